"""A reward compared with the others of its group: GRPO, its mean-only form, and leave-one-out.

Each takes the rewards of one group; `within` applies it to many. Where all rewards of a group are
equal, all advantages are exactly 0: nothing is to be learnt there (`filters.mixed` drops them).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from ..checks import require_as_many, require_finite, require_some

Value = TypeVar("Value")
Found = TypeVar("Found")
Estimator = Callable[[Sequence[float]], list[float]]
"""From the rewards of one group to their advantages."""

EPSILON = 1e-4
"""Added to a group's standard deviation, as TRL and OpenThinkIMG (arXiv 2505.08617) do."""


def within(
    values: Sequence[Value],
    groups: Sequence[Hashable],
    estimator: Callable[[Sequence[Value]], Sequence[Found]],
) -> list[Found]:
    """Apply an estimator to each group apart.

    Args:
        values: rewards, or whatever the estimator takes.
        groups: the group that each belongs to.

    Returns:
        What the estimator gave each value, in the order of `values`.

    Raises:
        ValueError: there are not as many groups as values, or the estimator refuses a group, which
            the message then names.
    """
    require_as_many("groups", groups, "values", values)
    found: dict[int, Found] = {}
    for group, places in members(groups).items():
        try:
            made = estimator([values[place] for place in places])
        except ValueError as error:
            raise ValueError(f"group {group!r}: {error}") from error
        found.update(zip(places, made, strict=True))
    return [found[place] for place in range(len(values))]


def members(groups: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    """Where the members of each group stand, groups in the order in which they begin."""
    found: dict[Hashable, list[int]] = {}
    for place, group in enumerate(groups):
        found.setdefault(group, []).append(place)
    return found


def mean_only(rewards: Sequence[float]) -> list[float]:
    """Reward minus the group's mean, as in Dr. GRPO (arXiv 2503.20783), which Critique-GRPO
    (2506.03106), ReLIFT (2506.07527) and SPEAR (2509.22601) use.

    Raises:
        ValueError: the group is empty, or a reward is not finite.
    """
    _require(rewards, 1)
    if _equal(rewards):
        return [0.0] * len(rewards)
    mean = mean_of(rewards)
    return [reward - mean for reward in rewards]


def grpo(
    rewards: Sequence[float], *, unbiased: bool = True, epsilon: float = EPSILON
) -> list[float]:
    """Reward minus the group's mean, over its standard deviation: GRPO (arXiv 2402.03300).

    Args:
        rewards: of the group.
        unbiased: divide by n - 1 in the variance, as torch does by default, not by n.
        epsilon: added to the standard deviation.

    Raises:
        ValueError: the group has fewer than two members (one, where biased), a reward is not
            finite, or `epsilon` is negative.
    """
    _require(rewards, 2 if unbiased else 1)
    if epsilon < 0:
        raise ValueError(f"epsilon={epsilon}: it must not be negative")
    scale = 0.0 if _equal(rewards) else deviation(rewards, unbiased=unbiased) + epsilon
    if not scale:
        return [0.0] * len(rewards)
    return [above / scale for above in mean_only(rewards)]


def batch_scaled(
    rewards: Sequence[float], groups: Sequence[Hashable], *, epsilon: float = EPSILON
) -> list[float]:
    """Reward minus its group's mean, over the standard deviation of the whole batch: Lite PPO
    (arXiv 2508.08221). Groups that hardly differ are not blown up, as their own deviation would do.

    Args:
        rewards: of the batch.
        groups: the group that each belongs to.
        epsilon: added to the standard deviation.

    Raises:
        ValueError: as `within` does.
    """
    above = within(rewards, groups, mean_only)
    if not rewards or _equal(rewards):
        return above
    scale = deviation(rewards, unbiased=True) + epsilon
    return [each / scale for each in above]


def rloo(rewards: Sequence[float]) -> list[float]:
    """Reward minus the mean of the others': leave-one-out (Kool et al. 2019; arXiv 2402.14740).

    Critique-RL (2510.24320) and SPOC (2506.06923) use it; with the same value at every token it is
    the advantage of LOOP (2502.01600).

    Raises:
        ValueError: the group has fewer than two members, or a reward is not finite.
    """
    _require(rewards, 2)
    if _equal(rewards):
        return [0.0] * len(rewards)
    total, others = math.fsum(rewards), len(rewards) - 1
    return [reward - (total - reward) / others for reward in rewards]


def mean_of(values: Sequence[float]) -> float:
    """The mean, whatever the order of the values."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float], *, unbiased: bool) -> float:
    """The standard deviation, whatever the order of the values."""
    mean = mean_of(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - unbiased))


def _require(rewards: Sequence[float], least: int) -> None:
    require_some("rewards", rewards)
    require_finite("reward", rewards)
    if len(rewards) < least:
        raise ValueError(f"{len(rewards)} reward: at least {least} are needed to compare")


def _equal(rewards: Sequence[float]) -> bool:
    return min(rewards) == max(rewards)
