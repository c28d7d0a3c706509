"""Run code that nobody trusts, such as a model's: isolated by the kernel, limited, and cheap."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
