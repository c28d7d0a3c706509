"""Checks of numbers that would spoil a policy without a word: NaN, infinities, lengths."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized


def require_finite(what: str, values: Sequence[float]) -> None:
    """Make sure that every value is a finite number.

    Raises:
        ValueError: one is not; the message says which.
    """
    if not math.isfinite(sum(values)):
        for place, value in enumerate(values):
            if not math.isfinite(value):
                raise ValueError(f"{what} {place} is {value}: it must be a finite number")
        raise ValueError(f"{what}s are too large to be added up")


def require_as_many(what: str, values: Sized, of: str, others: Sized) -> None:
    """Make sure that two lists are of one length.

    Raises:
        ValueError: they are not.
    """
    if len(values) != len(others):
        raise ValueError(f"{len(values)} {what}, but {len(others)} {of}")


def require_some(what: str, values: Sized) -> None:
    """Make sure that a list is not empty.

    Raises:
        ValueError: it is.
    """
    if not len(values):
        raise ValueError(f"there are no {what}")


def require_share(name: str, value: float) -> None:
    """Make sure that a setting lies in [0, 1].

    Raises:
        ValueError: it does not.
    """
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value}: it must lie in [0, 1]")


def require_positive(name: str, value: float) -> None:
    """Make sure that a setting is a positive finite number.

    Raises:
        ValueError: it is not.
    """
    if not 0 < value < math.inf:
        raise ValueError(f"{name}={value}: it must be a positive number")
