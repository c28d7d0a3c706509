"""What came of runs: figures with intervals, comparisons, tables, web pages and a leaderboard."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
