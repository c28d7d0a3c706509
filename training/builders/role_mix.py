"""Roles in one batch: how many examples of each, and which.

A model that learns to solve and to verify, or to code and to criticise, trains on both in each
update. `evenly` says how many solutions of each question are verified (RISE, arXiv 2505.13445: 128
of those of 1,024 questions); `role_mix` gives a share of a batch's places to another role
(Critique-Coder, 2509.22824: 20 % of the prompts).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from ..checks import require_share

T = TypeVar("T")
ROUNDING = 1e-9
"""So that 20 % of 10 are 2."""


def evenly(sizes: Sequence[int], total: int) -> list[int]:
    """How many members of each group are taken, one of each in turn as long as it has some: so the
    first groups give one more where it does not come out even.

    Args:
        sizes: members that each group has.
        total: that are taken together; all, where there are no more.

    Raises:
        ValueError: a number is negative.
    """
    if min([total, *sizes]) < 0:
        raise ValueError(f"sizes={list(sizes)}, total={total}: they must not be negative")
    taken = [0] * len(sizes)
    left = min(total, sum(sizes))
    while left:
        for group, size in enumerate(sizes):
            if left and taken[group] < size:
                taken[group] += 1
                left -= 1
    return taken


def role_mix(main: Sequence[T], other: Sequence[T], share: float, rng: random.Random) -> list[T]:
    """A batch of as many examples as `main` has, of which a share, rounded down, is of another
    role: at random places stand examples of it, in their order.

    Raises:
        ValueError: the share does not lie in [0, 1], or the other role has too few.
    """
    require_share("share", share)
    count = int(share * len(main) + ROUNDING)
    if count > len(other):
        raise ValueError(f"share={share} of {len(main)} are {count}, and there are {len(other)}")
    mixed = list(main)
    for place, example in zip(sorted(rng.sample(range(len(main)), count)), other):
        mixed[place] = example
    return mixed
