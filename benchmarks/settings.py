"""Checks of environments' settings."""

from __future__ import annotations

import math


def require_whole(name: str, value: object, least: int = 0) -> None:
    """Make sure that a setting is a whole number.

    Raises:
        ValueError: it is not, or it is below `least`.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value!r}: it must be a whole number, at least {least}")


def require_seconds(name: str, value: object) -> None:
    """Make sure that a setting is a time that can pass.

    Raises:
        ValueError: it is no positive number.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
        raise ValueError(f"{name}={value!r}: it must be a positive number of seconds")
