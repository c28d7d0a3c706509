"""Checks of environments' settings."""

from __future__ import annotations

import math

TRAINING_SEEDS = 1_000_000
"""What is made from a seed is for training from here up, and for tests below."""


def require_whole(name: str, value: object, least: int = 0) -> None:
    """Make sure that a setting is a whole number.

    Raises:
        ValueError: it is not, or it is below `least`.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value!r}: it must be a whole number, at least {least}")


def require_seeds(seed: object, what: str, count: object) -> range:
    """The seeds of so many test cases.

    Args:
        seed: of the first.
        what: the setting that says how many.

    Raises:
        ValueError: a number is none, or the seeds reach those for training.
    """
    require_whole("seed", seed)
    require_whole(what, count, least=1)
    assert isinstance(seed, int) and isinstance(count, int)
    if seed + count > TRAINING_SEEDS:
        raise ValueError(f"seed={seed}, {what}={count}: seeds for tests end at {TRAINING_SEEDS}")
    return range(seed, seed + count)


def require_seconds(name: str, value: object) -> None:
    """Make sure that a setting is a time that can pass.

    Raises:
        ValueError: it is no positive number.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
        raise ValueError(f"{name}={value!r}: it must be a positive number of seconds")
