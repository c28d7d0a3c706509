"""Curricula: what is played next, and against whom, from how it went so far.

Each is a small value that a recipe keeps in its stage's memory between iterations.
Each is a small value or function that a recipe asks about its stage.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
