from .configurations import Balanced, Graded, balance, balanced, best_setting, steps
from .opponents import OpponentRounds
from .replay import Replay, earlier_rows
from .stage_switch import StageSwitch
from .thresholds import raised

__all__ = [
    "Balanced",
    "Graded",
    "OpponentRounds",
    "Replay",
    "StageSwitch",
    "balance",
    "balanced",
    "best_setting",
    "earlier_rows",
    "raised",
    "steps",
]
