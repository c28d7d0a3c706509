"""Search: teams that explore a tree of partial answers or actions."""

from ..spec import TeamSpec

TEAMS: tuple[TeamSpec, ...] = ()

__all__ = ["TEAMS"]
