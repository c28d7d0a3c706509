"""Compose: teams as compiled LangGraph graphs, built from a few primitives."""

from ..agents import TeamContext, TeamState
from .act import act
from .again import again
from .answer import answer
from .checkpoints import checkpoint_serializer
from .debate import debate
from .follow import follow
from .judge import judge
from .refine import refine
from .review import review
from .route import route
from .sample import sample
from .search import search
from .segment import segment
from .team import Member, Team
from .use_tools import use_tools

__all__ = [
    "Member",
    "Team",
    "TeamContext",
    "TeamState",
    "act",
    "again",
    "answer",
    "checkpoint_serializer",
    "debate",
    "follow",
    "judge",
    "refine",
    "review",
    "route",
    "sample",
    "search",
    "segment",
    "use_tools",
]
