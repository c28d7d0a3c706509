"""Honest intervals: of one rate, of attempts that come in groups, of a paired difference.

Episodes of one task are alike, so the task is the unit: several attempts at a task say less than as
many tasks would. Here a group is the list of one task's values.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import ceil, floor, sqrt
from statistics import NormalDist

Interval = tuple[float, float]
CONFIDENCE = 0.95
RESAMPLES = 5000
"""Of the bootstrap: the ends' own error is then a quarter of a per cent of coverage."""


def wilson(successes: float, trials: float, confidence: float = CONFIDENCE) -> Interval:
    """The Wilson score interval of a success rate (Wilson 1927, JASA 22).

    Unlike the normal interval it stays within [0, 1] and holds for few trials and extreme rates.

    Raises:
        ValueError: more successes than trials, or a negative number.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if trials == 0:
        return 0.0, 1.0
    z = _normal(confidence)
    rate = successes / trials
    middle = rate + z * z / (2 * trials)
    spread = z * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return max(0.0, min(low, rate)), min(1.0, max(high, rate))


def clustered(groups: Sequence[Sequence[float]], confidence: float = CONFIDENCE) -> Interval:
    """Wilson's interval of the mean of values in [0, 1] that come in groups.

    It is taken on the effective number of independent values, as surveys do (Korn and Graubard
    1998; Dean and Pagano 2015): no fewer than there are groups, no more than there are values. With
    one value a group it is Wilson's own.
    """
    groups = [group for group in groups if group]
    count = sum(map(len, groups))
    if not count:
        return 0.0, 1.0
    rate = min(1.0, max(0.0, sum(map(sum, groups)) / count))
    effective = _effective(groups, rate, rate * (1 - rate))
    return wilson(rate * effective, effective, confidence)


def paired(groups: Sequence[Sequence[int]], confidence: float = CONFIDENCE) -> Interval:
    """The interval of the mean of paired differences of successes, each -1, 0 or 1.

    The adjusted Wald interval of Bonett and Price (2012, J. Educ. Behav. Stat. 37), which adds one
    pair that each side wins, so that it keeps a width where the sides never differ. Where pairs
    come in groups, the variance is that between groups, and what is added is one effective pair.
    """
    groups = [group for group in groups if group]
    if not groups:
        return -1.0, 1.0
    count = sum(map(len, groups))
    mean = sum(map(sum, groups)) / count
    spread = sum(value * value for group in groups for value in group) / count - mean * mean
    size = count / _effective(groups, mean, spread)
    totals = [(float(sum(group)), float(len(group))) for group in groups]
    totals += [(size, size), (-size, size)]
    pairs = count + 2 * size
    middle = mean * count / pairs
    variance = sum((total - middle * number) ** 2 for total, number in totals) / pairs**2
    reach = _normal(confidence) * sqrt(variance)
    return max(-1.0, min(middle - reach, mean)), min(1.0, max(middle + reach, mean))


def bootstrap(
    groups: Sequence[Sequence[float]], seed: int = 0, confidence: float = CONFIDENCE
) -> Interval:
    """The percentile bootstrap interval of the mean (Efron 1979), drawing whole groups.

    Raises:
        ValueError: there is no value.
    """
    totals = [(sum(group), len(group)) for group in groups if group]
    if not totals:
        raise ValueError("no values to draw from")
    draw = random.Random(seed).choices
    means = []
    for _ in range(RESAMPLES):
        sums, counts = zip(*draw(totals, k=len(totals)))
        means.append(sum(sums) / sum(counts))
    means.sort()
    tail = (1 - confidence) / 2
    return means[floor(tail * RESAMPLES)], means[ceil((1 - tail) * RESAMPLES) - 1]


def _effective(groups: Sequence[Sequence[float]], mean: float, spread: float) -> float:
    """How many independent values the groups are worth: no fewer than there are groups, no more
    than there are values. `spread` is the variance of a value."""
    count, least = sum(map(len, groups)), float(len(groups))
    if least < 2 or spread <= 0:
        return least
    apart = sum((sum(group) - mean * len(group)) ** 2 for group in groups)
    variance = apart / count**2 * least / (least - 1)
    return min(max(spread / variance, least), count) if variance else count


def _normal(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
