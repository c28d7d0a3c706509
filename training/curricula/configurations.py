"""Configuration search: settings of the collection, chosen again as the policy changes.

B-STaR balances exploration and exploitation: a setting is good when each query keeps enough right
samples, and few wrong ones. Over a grid of temperatures and reward thresholds the pair with the
highest mean balance score is taken.

Paper: "B-STaR: Monitoring and Balancing Exploration and Exploitation in Self-Taught Reasoners",
arXiv 2412.17256; the constants are those of its repository.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..checks import require_finite, require_some

T = TypeVar("T")
ENOUGH = 8
"""Right samples that a query is to keep: n* of the paper."""


@dataclass(frozen=True, slots=True)
class Graded:
    """One sample of a query."""

    reward: float
    right: bool
    key: Hashable
    """Samples of equal keys are the same."""


@dataclass(frozen=True, slots=True)
class Balanced:
    """The setting that balances best."""

    temperature: float
    threshold: float
    """Samples with a reward above it are kept."""
    score: float
    """Its mean balance score."""


def steps(start: float, stop: float, step: float) -> list[float]:
    """Numbers from `start` to `stop`, both among them, rounded to the step's decimals.

    Raises:
        ValueError: the step is not positive, or does not lead to `stop`.
    """
    require_finite("number", [start, stop, step])
    count = (stop - start) / step if step > 0 else -1.0
    if count < 0 or not math.isclose(count, round(count), abs_tol=1e-9):
        raise ValueError(f"no steps of {step} lead from {start} to {stop}")
    return [round(start + place * step, 12) for place in range(round(count) + 1)]


def best_setting(grid: Iterable[T], score: Callable[[T], float]) -> tuple[T, float]:
    """The setting with the highest score, the first between equals, and the score.

    Raises:
        ValueError: there are no settings, or a score is not finite.
    """
    scored = [(each, score(each)) for each in grid]
    require_some("settings", scored)
    require_finite("score", [value for _, value in scored])
    return max(scored, key=lambda each: each[1])


def balance(kept: int, right: int, enough: int = ENOUGH) -> float:
    """A query's balance score: min(right / enough, 1) * right / kept; 0 where nothing is kept.

    Args:
        kept: distinct samples that are kept.
        right: those of them that are right.

    Raises:
        ValueError: the counts make no sense.
    """
    if not 0 <= right <= kept or enough < 1:
        raise ValueError(f"kept={kept}, right={right}, enough={enough} cannot be")
    return min(right / enough, 1.0) * right / kept if kept else 0.0


def balanced(
    probes: Mapping[float, Sequence[Sequence[Graded]]],
    thresholds: Sequence[float],
    *,
    enough: int = ENOUGH,
) -> Balanced:
    """The temperature and the threshold with the highest mean balance score.

    Args:
        probes: by temperature, of each query its samples.
        thresholds: to be tried at each temperature. Between equals the highest is taken, since few
            probes may hold nothing that a lower one would let through; and the earlier temperature.

    Raises:
        ValueError: there is nothing to choose from, or a temperature has no queries.
    """
    for temperature, queries in probes.items():
        require_some(f"queries at temperature {temperature}", queries)
    unique = {
        temperature: [list({each.key: each for each in query}.values()) for query in queries]
        for temperature, queries in probes.items()
    }

    def score(setting: tuple[float, float]) -> float:
        temperature, threshold = setting
        balances = []
        for query in unique[temperature]:
            kept = [each.right for each in query if each.reward > threshold]
            balances.append(balance(len(kept), sum(kept), enough))
        return sum(balances) / len(balances)

    strictest = sorted(thresholds, reverse=True)
    pairs = [(temperature, threshold) for temperature in probes for threshold in strictest]
    (temperature, threshold), best = best_setting(pairs, score)
    return Balanced(temperature, threshold, best)
