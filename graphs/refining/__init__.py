"""Refinement: teams that draft, review and draft again."""

from ..spec import TeamSpec
from .self_refine import PAPER as SELF_REFINE
from .self_refine import self_refine

TEAMS = (
    TeamSpec("self-refine", "one model answers, reviews, revises", self_refine, paper=SELF_REFINE),
)

__all__ = ["TEAMS", "self_refine"]
