"""The guard of a memory: what is shown, what is learned from what is not, and who may undo it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
