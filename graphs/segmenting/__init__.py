"""Segmented generation: replies that are paused, checked and steered while they are written."""

from ..spec import TeamSpec
from .id_sampling import PAPER as ID_SAMPLING
from .id_sampling import id_sampling
from .leap import PAPER as LEAP
from .leap import leap
from .psr import PAPER as PSR
from .psr import psr

TEAMS = (
    TeamSpec("id-sampling", "checks itself at growing budgets", id_sampling, paper=ID_SAMPLING),
    TeamSpec("psr", "takes back what it finds harmful", psr, paper=PSR),
    TeamSpec("leap", "paths that read each other's summaries", leap, paper=LEAP),
)

__all__ = ["TEAMS", "id_sampling", "leap", "psr"]
