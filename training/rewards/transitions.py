"""What a second attempt earns after a first: by how it changed the outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..checks import require_finite, require_some

SCORE_ALPHA = 10.0
MAPORL_WEIGHT = 0.5
SATORI_BONUS = 0.5


@dataclass(frozen=True, slots=True)
class Transitions:
    """A table of rewards for two attempts, each right or wrong."""

    fixed: float
    """First wrong, then right."""
    kept: float
    """Both right."""
    spoiled: float
    """First right, then wrong."""
    failed: float
    """Both wrong."""

    def __call__(self, first: bool, second: bool) -> float:
        if first:
            return self.kept if second else self.spoiled
        return self.fixed if second else self.failed


SRPO = Transitions(fixed=1.0, kept=0.75, spoiled=0.25, failed=0.0)
"""Accuracy with reflection (arXiv 2506.01713)."""
CRITIQUE_RL_DELTA = Transitions(fixed=1.0, kept=0.0, spoiled=-1.0, failed=0.0)
CRITIQUE_RL_CORRECT = Transitions(fixed=1.0, kept=0.2, spoiled=0.0, failed=0.0)
"""Two forms of Critique-RL's helpfulness (arXiv 2510.24320)."""
SATORI = Transitions(fixed=1.0, kept=0.0, spoiled=-1.0, failed=0.0)
"""The bonus after a restart from an earlier attempt (arXiv 2502.02508), before its weight."""


def improvement(first: float, second: float, alpha: float = SCORE_ALPHA) -> tuple[float, float]:
    """What each of two attempts earns in stage II of SCoRe (arXiv 2409.12917): its own reward, and
    the second one alpha times what it gained on the first.

    Raises:
        ValueError: a number is not finite.
    """
    require_finite("reward", [first, second])
    require_finite("alpha", [alpha])
    return first, second + alpha * (second - first)


def satori(logit: float, right: bool, began: bool | None) -> float:
    """sigmoid(logit) + (right - 1), and a half more or less for a restart that changed the outcome
    (Satori, arXiv 2502.02508).

    Args:
        logit: of the reward model.
        began: whether the attempt that it was restarted from was right; None for a fresh question.

    Raises:
        ValueError: the logit is not finite.
    """
    require_finite("logit", [logit])
    bonus = 0.0 if began is None else SATORI_BONUS * SATORI(began, right)
    sigmoid = 1 / (1 + math.exp(-logit)) if logit >= 0 else 1 - 1 / (1 + math.exp(logit))
    return sigmoid + right - 1 + bonus


def against_quality(
    reward: float, earlier: Sequence[float], weight: float = MAPORL_WEIGHT
) -> float:
    """R + weight * (Q R - (1 - Q)(1 - R)) for the mean Q of earlier rewards in [0, 1]: MAPoRL's
    shaping as CoMAS's code base has it (arXiv 2510.08529).

    Raises:
        ValueError: there are no earlier rewards, or a number is not finite.
    """
    quality = _mean(reward, earlier)
    return reward + weight * (quality * reward - (1 - quality) * (1 - reward))


def against_margin(reward: float, earlier: Sequence[float], weight: float = MAPORL_WEIGHT) -> float:
    """R + weight * (R - Q), the margin form of `against_quality`."""
    return reward + weight * (reward - _mean(reward, earlier))


def _mean(reward: float, earlier: Sequence[float]) -> float:
    require_some("earlier rewards", earlier)
    require_finite("reward", [reward])
    require_finite("earlier reward", earlier)
    return math.fsum(earlier) / len(earlier)
