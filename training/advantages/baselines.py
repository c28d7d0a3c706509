"""Rewards against those of others than the group: first attempts, or what was earned before."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks import require_finite, require_some
from .groups import mean_of

MEDIAN = 50.0


def above_mean_of(others: Sequence[float], rewards: Sequence[float]) -> list[float]:
    """Each reward minus the mean of others.

    RLTF-SD (arXiv 2602.02482) compares second attempts with the group's first ones: with their own
    mean, attempts that all succeed would teach nothing.

    Raises:
        ValueError: there are no others, or a reward is not finite.
    """
    require_some("others to compare with", others)
    require_finite("reward of others", others)
    require_finite("reward", rewards)
    mean = mean_of(others)
    return [reward - mean for reward in rewards]


def above_percentile_of(
    history: Sequence[float], rewards: Sequence[float], percentile: float = MEDIAN
) -> list[float]:
    """Each reward minus a percentile of earlier ones, between two of them by their distance.

    SPEAR (arXiv 2509.22601) measures again what was worth replaying by the median of the policy's
    recent group means, and drops what is no longer above it.

    Raises:
        ValueError: there is no history, a number is not finite, or the percentile does not lie in
            [0, 100].
    """
    require_some("earlier rewards", history)
    require_finite("earlier reward", history)
    require_finite("reward", rewards)
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile={percentile}: it must lie in [0, 100]")
    ordered = sorted(history)
    place = percentile / 100 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    level = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return [reward - level for reward in rewards]
