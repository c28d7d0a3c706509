"""Evolve: from recorded episodes to samples, credit, advantages and losses.

Pure functions in a line. `samples` takes the exact tokens of an episode's turns; `rewards` give the
turns credit; `advantages` compare what was earned; `losses` (the only part that needs torch) turn
rows into numbers to descend. A published recipe is a choice among them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
