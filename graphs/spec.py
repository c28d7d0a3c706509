"""How a team is known by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from ..episodes.paper import Paper
from .team import Team


@dataclass(frozen=True, slots=True)
class TeamSpec:
    """A team that the command line knows by name."""

    name: str
    summary: str
    build: Callable[[BaseChatModel], Team]
    """The team with one model in every role."""
    acts: bool | None = False
    """True when it acts in a world; False when it answers a question; None where nobody said, as of
    a team of your own."""
    paper: Paper | None = None
    """Where the method was published."""
    expert: str = ""
    """The expert of the world that it follows instead of asking a model, `usual` for the one that
    the world names first; empty for a team of models."""
