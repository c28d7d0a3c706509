"""Working memory: what an agent keeps of one task while it works on it, and what it learns from it.

The context budget, folding, tool sets that change from turn to turn, what was tried already, errors
of a model and how to make up for them, and what to practise again.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
