"""Losses: from tensors to a number to descend, and measures of how it came about.

Each is a pure function over tensors of shape (rows, tokens), one entry for each token of a row as
in a `Sample`. A token outside the loss mask changes nothing and gets no gradient, whatever stands
there. A sum of losses is a loss: a method's page adds what its paper adds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
