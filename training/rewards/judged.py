"""What a judge or a rater says, as a reward: now, or after it has seen what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from ..checks import require_positive
from .combining import Reward

T = TypeVar("T")
Seen = TypeVar("Seen")


def judge_score(score: float | None, highest: float = 100.0) -> float:
    """A judge's score as a reward in [0, 1]; 0 for one that could not be read or lies outside
    (SSR-Zero, arXiv 2505.16637).

    Raises:
        ValueError: `highest` is not a positive number.
    """
    require_positive("highest", highest)
    if score is None or not math.isfinite(score) or not 0 <= score <= highest:
        return 0.0
    return score / highest


def hindsight(happens: Callable[[T], Seen], rate: Reward[Seen]) -> Reward[T]:
    """Rate what came of it rather than how it looked (RLHS, arXiv 2501.08617).

    Args:
        happens: from what was said to what the rater sees afterwards: a simulated world.
        rate: the rater.
    """
    return lambda said: rate(happens(said))


def purchase_utility(paid: float, cheapest: float | None) -> float:
    """What advice was truly worth to a buyer (RLHS, arXiv 2501.08617): the cheapest suitable price
    over the price paid, or -1 where the thing bought does not suit, or none would.

    Args:
        paid: the price of what was bought.
        cheapest: that of the cheapest suitable thing; None where what was bought does not suit.

    Raises:
        ValueError: a price is not positive, or less was paid than the cheapest costs.
    """
    require_positive("paid", paid)
    if cheapest is None:
        return -1.0
    require_positive("cheapest", cheapest)
    if paid < cheapest:
        raise ValueError(f"paid={paid} is below cheapest={cheapest}")
    return cheapest / paid
