"""Routing: teams whose members read the peers that a router chooses."""

from ..spec import TeamSpec
from .self_org import PAPER as SELF_ORG
from .self_org import self_org

TEAMS = (
    TeamSpec(
        "self-org",
        "agents read those who contribute more, and answer again",
        self_org,
        paper=SELF_ORG,
    ),
)

__all__ = ["TEAMS", "self_org"]
