"""Compose: teams as compiled LangGraph graphs, built from a few primitives."""

from ..agents import TeamContext, TeamState
from .act import act
from .answer import answer
from .follow import follow
from .refine import refine
from .team import Team
from .use_tools import use_tools

__all__ = ["Team", "TeamContext", "TeamState", "act", "answer", "follow", "refine", "use_tools"]
