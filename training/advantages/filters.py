"""Which rollouts are worth training on: each filter says of every rollout whether it is kept.

kept = mixed(rewards, groups)
rewards = list(compress(rewards, kept))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence

from ..checks import require_as_many, require_finite, require_share
from .groups import deviation, mean_of, members, within

LEAST_ADVANTAGE = 0.01
"""LOOP's."""
ROUNDING = 1e-9
"""So that a share of 0.29 of 100 groups is 29 of them."""


def mixed(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[bool]:
    """Drop groups whose rewards are all equal, as DAPO (arXiv 2503.14476), NFT (2505.18116) and
    Critique-Coder (2509.22824) do.

    Raises:
        ValueError: there are not as many groups as rewards, or a reward is not finite.
    """
    return _by_group(rewards, groups, lambda each: min(each) != max(each))


def in_band(
    rewards: Sequence[float], groups: Sequence[Hashable], low: float, high: float
) -> list[bool]:
    """Keep groups whose mean reward lies in [low, high]: neither too hard nor too easy.

    SRPO keeps accuracies from 0.1 to 0.9 (arXiv 2506.01713), the code under KnowRL (2510.11407)
    from 0.2 to 0.8.

    Raises:
        ValueError: `low` is above `high`, there are not as many groups as rewards, or a reward is
            not finite.
    """
    if not low <= high:
        raise ValueError(f"low={low}, high={high}: there is nothing between")
    return _by_group(rewards, groups, lambda each: low <= mean_of(each) <= high)


def all_are(value: float, rewards: Sequence[float], groups: Sequence[Hashable]) -> list[bool]:
    """Keep groups all of whose rewards are one value.

    With 0 those are the questions that ReLIFT (arXiv 2506.07527) puts aside for demonstrations:
    every answer was wrong, and none lacked the format (-1).

    Raises:
        ValueError: there are not as many groups as rewards, or a reward is not finite.
    """
    return _by_group(rewards, groups, lambda each: set(each) == {value})


def widest(rewards: Sequence[float], groups: Sequence[Hashable], share: float) -> list[bool]:
    """Keep the share of groups whose rewards spread the most, by standard deviation.

    SPEAR keeps 75 % (arXiv 2509.22601), UFO 25 % (2507.14295). At least one group is kept; between
    equals the earlier one.

    Raises:
        ValueError: the share does not lie in [0, 1], there are not as many groups as rewards, or a
            reward is not finite.
    """
    require_share("share", share)
    require_as_many("groups", groups, "rewards", rewards)
    require_finite("reward", rewards)
    spread = {
        group: deviation([rewards[place] for place in places], unbiased=False)
        for group, places in members(groups).items()
    }
    count = max(1, math.floor(share * len(spread) + ROUNDING))
    kept = set(sorted(spread, key=lambda group: -spread[group])[:count])
    return [group in kept for group in groups]


def substantial(advantages: Sequence[float], least: float = LEAST_ADVANTAGE) -> list[bool]:
    """Drop rollouts whose advantage is nearly 0, as LOOP does (arXiv 2502.01600).

    Raises:
        ValueError: an advantage is not finite.
    """
    require_finite("advantage", advantages)
    return [abs(advantage) >= least for advantage in advantages]


def _by_group(
    rewards: Sequence[float], groups: Sequence[Hashable], keep: Callable[[Sequence[float]], bool]
) -> list[bool]:
    require_finite("reward", rewards)
    return within(rewards, groups, lambda each: [keep(each)] * len(each))
