"""Selection: teams that answer several times and choose."""

from ..spec import TeamSpec
from .grm import PAPER as GRM
from .grm import grm
from .self_certainty import PAPER as SELF_CERTAINTY
from .self_certainty import self_certainty
from .self_check import PAPER as SELF_CHECK
from .self_check import self_check
from .self_consistency import PAPER as SELF_CONSISTENCY
from .self_consistency import self_consistency
from .self_prm import PAPER as SELF_PRM
from .self_prm import self_prm

TEAMS = (
    TeamSpec("majority", "the commonest of five answers", self_consistency, paper=SELF_CONSISTENCY),
    TeamSpec(
        "self-certainty",
        "answers vote by how certain the model was; needs a local model",
        self_certainty,
        paper=SELF_CERTAINTY,
    ),
    TeamSpec(
        "self-check", "answers that the model itself finds right vote", self_check, paper=SELF_CHECK
    ),
    TeamSpec(
        "self-prm", "solutions without a step that is found wrong vote", self_prm, paper=SELF_PRM
    ),
    TeamSpec("grm", "trusted readings of a reward model choose", grm, paper=GRM),
)

__all__ = ["TEAMS", "grm", "self_certainty", "self_check", "self_consistency", "self_prm"]
