"""Tools: what agents may call, under which rules, and how they find it among thousands."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
