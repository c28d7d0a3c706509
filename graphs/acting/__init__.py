"""Acting: tool agents and their companions."""

from ..spec import TeamSpec

TEAMS: tuple[TeamSpec, ...] = ()

__all__ = ["TEAMS"]
