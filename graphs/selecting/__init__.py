"""Selection: teams that answer several times and choose."""

from ..spec import TeamSpec

TEAMS: tuple[TeamSpec, ...] = ()

__all__ = ["TEAMS"]
