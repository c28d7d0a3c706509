"""What a critique earns: by its verdict, and by what a refiner makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks import require_finite, require_some
from .combining import convex

VERDICT_BONUS = 0.2
WRONG_VERDICT = -1.0


def refinement_success(rewards: Sequence[float]) -> float:
    """The mean reward of the refinements that were made from one critique.

    It is the reward of RefCritic (arXiv 2507.15024), and the filter of critiques in
    AutoMathCritique (2411.16579) and of pairs of them in MultiCritique (2410.15287).

    Raises:
        ValueError: there are no refinements, or a reward is not finite.
    """
    require_some("refinements", rewards)
    require_finite("reward", rewards)
    return sum(rewards) / len(rewards)


def critique_rl(helpfulness: float, verdict_right: bool | None) -> float:
    """Stage II of Critique-RL (arXiv 2510.24320): helpfulness + 0.2 with a right verdict, exactly
    -1 with a wrong or unreadable one, however helpful.

    Args:
        helpfulness: whether the refined answer is right, or a `Transitions` table of it.

    Raises:
        ValueError: the helpfulness is not finite.
    """
    require_finite("helpfulness", [helpfulness])
    return helpfulness + VERDICT_BONUS if verdict_right else WRONG_VERDICT


def refcritic(verdict_right: bool | None, success: float, weight: float) -> float:
    """(R_c + weight * R_r) / (1 + weight), and 0 with a wrong or unreadable verdict (RefCritic,
    arXiv 2507.15024; that the verdict gates the refinement is not verified).

    Args:
        success: `refinement_success` of the critique.
        weight: 0 in the first stage, when only the verdict counts.

    Raises:
        ValueError: a number is not finite, or the weight is negative.
    """
    return convex(1.0, success, weight) if verdict_right else convex(0.0, 0.0, weight)
