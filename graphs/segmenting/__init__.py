"""Segmented generation: replies that are paused, checked and steered while they are written."""

from ..spec import TeamSpec

TEAMS: tuple[TeamSpec, ...] = ()

__all__ = ["TEAMS"]
