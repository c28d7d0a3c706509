"""Debate: teams whose members read and answer each other."""

from ..spec import TeamSpec

TEAMS: tuple[TeamSpec, ...] = ()

__all__ = ["TEAMS"]
