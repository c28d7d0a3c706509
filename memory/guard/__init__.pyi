from .consensus import Consensus
from .guard import PAPER, MemoryGuard
from .guarded import Flagged, Guarded
from .lessons import Lesson, Lessons
from .quarantine import Case, Quarantine
from .recall import recall
from .support import Support

__all__ = [
    "PAPER",
    "Case",
    "Consensus",
    "Flagged",
    "Guarded",
    "Lesson",
    "Lessons",
    "MemoryGuard",
    "Quarantine",
    "Support",
    "recall",
]
