"""Judging: teams whose judges are guarded, or tried out by deceit."""

from ..spec import TeamSpec
from .bias_detector import PAPER as BIAS_DETECTOR
from .bias_detector import BiasDetector, bias_detector, watched
from .deceptive import PAPER as DECEPTIVE
from .deceptive import MaliciousJudge, by_reference, deceived, feedback_judge, hypercritical
from .order_swap import PAPER as ORDER_SWAP
from .order_swap import in_both_orders, order_swap
from .panel import PAPER as PANEL
from .panel import jury, panel
from .self_reference import PAPER as SELF_REFERENCE
from .self_reference import annotator, preference, self_reference

TEAMS = (
    TeamSpec("order-swap", "a judge's choice holds in both orders", order_swap, paper=ORDER_SWAP),
    TeamSpec("panel", "three judges choose between two answers", panel, paper=PANEL),
    TeamSpec(
        "bias-detector",
        "a judge thinks again where a detector finds bias",
        bias_detector,
        paper=BIAS_DETECTOR,
    ),
    TeamSpec(
        "self-reference",
        "a judge answers itself before it compares",
        self_reference,
        paper=SELF_REFERENCE,
    ),
    TeamSpec(
        "hypercritical",
        "an actor under a judge that objects to everything",
        hypercritical,
        paper=DECEPTIVE,
    ),
)

__all__ = [
    "TEAMS",
    "BiasDetector",
    "MaliciousJudge",
    "annotator",
    "bias_detector",
    "by_reference",
    "deceived",
    "feedback_judge",
    "hypercritical",
    "in_both_orders",
    "jury",
    "order_swap",
    "panel",
    "preference",
    "self_reference",
    "watched",
]
