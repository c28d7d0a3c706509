"""Refinement: teams that draft, review and draft again."""

from ..spec import TeamSpec
from .bug_taxonomy import PAPER as BUG_TAXONOMY
from .bug_taxonomy import bug_taxonomy
from .friction import PAPER as FRICTION
from .friction import friction
from .heart import PAPER as HEART
from .heart import heart
from .magicore import PAPER as MAGICORE
from .magicore import magicore
from .ocr_agent import PAPER as OCR_AGENT
from .ocr_agent import ocr_agent
from .self_debug import PAPER as SELF_DEBUG
from .self_debug import self_debug
from .self_refine import PAPER as SELF_REFINE
from .self_refine import self_refine
from .tear import PAPER as TEAR
from .tear import tear

TEAMS = (
    TeamSpec("self-refine", "one model answers, reviews, revises", self_refine, paper=SELF_REFINE),
    TeamSpec(
        "self-debug",
        "a coder explains its program to itself and mends it",
        lambda model: self_debug(model, "expl"),
        paper=SELF_DEBUG,
    ),
    TeamSpec(
        "self-debug-tests",
        "a coder mends its program by tests and its explanation; needs visible tests",
        self_debug,
        paper=SELF_DEBUG,
    ),
    TeamSpec(
        "bug-taxonomy",
        "a critic names the kind of bug, then it is mended; needs visible tests",
        bug_taxonomy,
        paper=BUG_TAXONOMY,
    ),
    TeamSpec(
        "friction",
        "a solver that lists what it tried answers until its critic agrees",
        lambda model: friction(model, listing=True),
        paper=FRICTION,
    ),
    TeamSpec("heart", "cues in six emotions, then one answer out of all", heart, paper=HEART),
    TeamSpec(
        "magicore",
        "many graded chains; those of hard questions are reviewed and rewritten",
        magicore,
        paper=MAGICORE,
    ),
    TeamSpec("ocr-agent", "one model refines by plan and memory", ocr_agent, paper=OCR_AGENT),
    TeamSpec("tear", "translate, find errors by degree, mend them", tear, paper=TEAR),
)

__all__ = [
    "TEAMS",
    "bug_taxonomy",
    "friction",
    "heart",
    "magicore",
    "ocr_agent",
    "self_debug",
    "self_refine",
    "tear",
]
