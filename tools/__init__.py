"""What agents can do: tools in a registry, ready ones, and a sandbox for code nobody trusts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
