"""Rewards: from what happened to numbers.

Plain functions of plain values, each named with its paper; `combining` makes one reward of several,
and `crediting` turns them into credit for the turns of an episode. What a model wrote and could not
be read is None, and never earns.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
