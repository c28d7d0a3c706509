"""Turns compared with turns: of the same step, or of the same state.

A rollout of many turns gives each turn its own return. It is compared with the returns of other
rollouts of the group at the same step, as RLTF does (arXiv 2602.02482) and SPOC message by message
(2506.06923), or with those of turns taken in the same state, wherever they stand, as in GiGPO
(2505.10978).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ..checks import require_as_many
from .groups import Estimator, mean_only, within
from .tokens import returns


def stepwise(
    rewards: Sequence[Sequence[float]],
    groups: Sequence[Hashable],
    estimator: Estimator = mean_only,
    *,
    gamma: float = 1.0,
    states: Sequence[Sequence[Hashable]] | None = None,
) -> list[list[float]]:
    """The advantage of each turn of each rollout.

    Args:
        rewards: of each rollout, the rewards of its turns. Rollouts may differ in length.
        groups: the group of each rollout.
        estimator: compares returns. A turn that has nothing to be compared with gets 0.
        gamma: the discount from turn to turn.
        states: of each rollout, the state that each turn was taken in; by default its step.

    Raises:
        ValueError: the lists differ in length, or a reward is not finite.
    """
    require_as_many("groups", groups, "rollouts", rewards)
    places = [range(len(each)) for each in rewards] if states is None else states
    require_as_many("lists of states", places, "rollouts", rewards)
    keys: list[Hashable] = []
    for group, turns, where in zip(groups, rewards, places, strict=True):
        require_as_many("states", where, "turns", turns)
        keys += [(group, each) for each in where]
    flat = [value for turns in rewards for value in returns(turns, gamma)]
    found = iter(within(flat, keys, lambda each: estimator(each) if len(each) > 1 else [0.0]))
    return [[next(found) for _ in turns] for turns in rewards]
