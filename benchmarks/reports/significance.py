"""Could it be chance? Exact tests of paired successes, and Holm's correction for several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import comb


def mcnemar(won: int, lost: int) -> float:
    """The two-sided p-value of McNemar's exact test (McNemar 1947).

    Under the null hypothesis each pair that differs is won or lost by the toss of a coin.

    Args:
        won: pairs that only the first side solved.
        lost: pairs that only the second side solved.

    Raises:
        ValueError: a number is negative.
    """
    if won < 0 or lost < 0:
        raise ValueError(f"a count cannot be negative: won={won}, lost={lost}")
    differing = won + lost
    tail = sum(comb(differing, i) for i in range(min(won, lost) + 1))
    return min(1.0, float(2 * tail / 2**differing))


def sign_flip(differences: Sequence[int]) -> float:
    """The two-sided p-value of the exact sign-flip (permutation) test on the sum of differences.

    Under the null hypothesis each difference could as well have had the other sign. With one
    difference per task, the sum over its attempts, tasks and not attempts are what is independent;
    where each is -1, 0 or 1 this is McNemar's exact test.
    """
    chances = {0: 1.0}
    for size in map(abs, differences):
        if size:
            after: dict[int, float] = defaultdict(float)
            for total, chance in chances.items():
                after[total + size] += chance / 2
                after[total - size] += chance / 2
            chances = after
    observed = abs(sum(differences))
    return min(1.0, sum(chance for total, chance in chances.items() if abs(total) >= observed))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number (Holm 1979), in the order given.

    An adjusted value below 0.05 keeps the chance of any false claim among all of them below 5 %.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted
