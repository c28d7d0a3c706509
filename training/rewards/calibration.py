"""Confidence that is true: the nearer to how good an answer was, the better."""

from __future__ import annotations

import math

from ..checks import require_finite, require_positive, require_share

SPREAD = 1 / 6
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def calibrated(confidence: float | None, target: float) -> float:
    """-(confidence - target)^2, as in HyperClick (arXiv 2510.27266).

    Args:
        confidence: what was said, in [0, 1]. None, or anything outside, is the worst: -1.
        target: how good the answer was, in [0, 1]: 0 or 1, or `click_target`.

    Raises:
        ValueError: the target does not lie in [0, 1].
    """
    require_share("target", target)
    if confidence is None or not 0 <= confidence <= 1:
        return -1.0
    return -((confidence - target) ** 2)


def click_target(x: float, y: float, box: Box, spread: float = SPREAD) -> float:
    """How good a click was: a Gaussian around the middle of the box, 0 outside (HyperClick; the
    spread's convention is not verified).

    Args:
        spread: standard deviation, as a share of the box's width and height.

    Raises:
        ValueError: the box has no area, a number is not finite, or the spread is not positive.
    """
    require_finite("coordinate", [x, y, *box])
    require_positive("spread", spread)
    left, top, right, bottom = box
    if not (left < right and top < bottom):
        raise ValueError(f"box={box}: it has no area")
    if not (left <= x <= right and top <= y <= bottom):
        return 0.0
    across = (x - (left + right) / 2) / (spread * (right - left))
    down = (y - (top + bottom) / 2) / (spread * (bottom - top))
    return math.exp(-0.5 * (across**2 + down**2))
