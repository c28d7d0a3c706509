"""Debate: teams whose members read and answer each other."""

from ..spec import TeamSpec
from .comas import PAPER as COMAS
from .comas import comas
from .mad import PAPER as MAD
from .mad import mad
from .simultaneous import PAPER as SIMULTANEOUS
from .simultaneous import simultaneous
from .spp import PAPER as SPP
from .spp import spp

TEAMS = (
    TeamSpec(
        "comas",
        "four agents solve, evaluate and score, twice, and vote",
        comas,
        paper=COMAS,
    ),
    TeamSpec("mad", "two sides debate until a moderator finds the answer", mad, paper=MAD),
    TeamSpec(
        "simultaneous",
        "three agents answer, read each other, answer again and vote",
        simultaneous,
        paper=SIMULTANEOUS,
    ),
    TeamSpec("spp", "one model plays a team of experts in one reply", spp, paper=SPP),
)

__all__ = ["TEAMS", "comas", "mad", "simultaneous", "spp"]
