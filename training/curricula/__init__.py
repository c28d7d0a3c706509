"""Curricula: what is played next, and against whom, from how it went so far.

Each is a small value or function that a recipe asks about its stage, and may keep in its memory.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
