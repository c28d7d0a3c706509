"""Thresholds that rise from iteration to iteration, so that what was good enough once no longer is.

Agent-R asks 0.5, 0.7, then 1.0 of a good play (arXiv 2501.11425).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..checks import require_finite, require_some


def raised(thresholds: Sequence[float], iteration: int) -> float:
    """What is asked in an iteration, counted from 0; the last threshold stays.

    Raises:
        ValueError: there are none, one is not finite, they fall, or the iteration is negative.
    """
    require_some("thresholds", thresholds)
    require_finite("threshold", thresholds)
    if list(thresholds) != sorted(thresholds):
        raise ValueError(f"thresholds {list(thresholds)} fall: they have to rise")
    if iteration < 0:
        raise ValueError(f"iteration={iteration}: it must not be negative")
    return thresholds[min(iteration, len(thresholds) - 1)]
