"""The record: what a team was asked, who said what to whom token by token, and how it ended.

A graph writes episodes (through a `Recorder`), a benchmark scores them, training reads them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
