from .opponents import OpponentRounds

__all__ = ["OpponentRounds"]
from .configurations import Balanced, Graded, balance, balanced, best_setting, steps
from .replay import Replay, earlier_rows
from .thresholds import raised
__all__ = [
    "Balanced",
    "Graded",
    "Replay",
    "balance",
    "balanced",
    "best_setting",
    "earlier_rows",
    "raised",
    "steps",
]
