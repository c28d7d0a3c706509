"""Length as a reward: a bell around a target, a ramp before a limit, a cost that grows."""

from __future__ import annotations

import math

from ..checks import require_finite, require_positive


def length_bell(length: float, target: float, limit: float) -> float:
    """exp(-((length - target) / (limit - target))^2): 1 at the target, 0.37 at the limit.

    In SRPO (arXiv 2506.01713) its weight is 0.1, the target 2 and the limit 2.5 times the length of
    the first thought and answer.

    Raises:
        ValueError: a number is not finite, or the limit is not above the target.
    """
    require_finite("length", [length, target, limit])
    if limit <= target:
        raise ValueError(f"limit={limit}: it must be above target={target}")
    return math.exp(-(((length - target) / (limit - target)) ** 2))


def overlong(length: int, limit: int, buffer: int) -> float:
    """0 up to `buffer` tokens below the limit, from there falling in a line to -1 at the limit:
    DAPO (arXiv 2503.14476), as DemyAgent uses it (2510.11701).

    Raises:
        ValueError: the buffer is not positive, or larger than the limit.
    """
    if not 0 < buffer <= limit:
        raise ValueError(f"buffer={buffer}: it must lie in (0, limit={limit}]")
    return min(0.0, -(length - (limit - buffer)) / buffer)


def log_length_cost(length: int, weight: float) -> float:
    """-weight * ln(length): SuperHF's optional cost (arXiv 2310.16763).

    Raises:
        ValueError: the length is not positive, or the weight is not finite.
    """
    require_positive("length", length)
    require_finite("weight", [weight])
    return -weight * math.log(length)
