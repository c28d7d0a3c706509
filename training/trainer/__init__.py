"""Update: recorded rows in, new weights out, on `transformers.Trainer`.

`lines` flattens rows, `packing` lays them out so that no token is computed twice, `objectives` say
what is descended, `trainer` is the one subclass, and `learner` turns a version of a policy into the
next.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
