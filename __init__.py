"""Symposia: compose teams of language-model agents, run them on benchmarks, train them from it.

Three verbs, one record: `graphs` compose, `benchmarks` run, and `episodes` keep exactly what
happened. Names are loaded when they are used, so that `import symposia` is fast.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"
