"""Rewards made of rewards. A reward is a function to a number, from an episode, a turn, a pair of
answers, or whatever it judges; these make one such function of others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

from ..checks import require_finite, require_share

T = TypeVar("T")
Reward = Callable[[T], float]


def summed(*parts: tuple[Reward[T], float]) -> Reward[T]:
    """The weighted sum of rewards, given as (reward, weight).

    Raises:
        ValueError: there are no parts, or a weight is not finite.
    """
    if not parts:
        raise ValueError("a sum needs at least one (reward, weight)")
    require_finite("weight", [weight for _, weight in parts])
    return lambda judged: math.fsum(weight * reward(judged) for reward, weight in parts)


def gated(condition: Callable[[T], bool], reward: Reward[T], otherwise: float) -> Reward[T]:
    """`reward` where the condition holds, else a constant.

    So a wrong verdict costs Critique-RL's critic 1 however helpful its advice was (arXiv
    2510.24320).
    """
    require_finite("otherwise", [otherwise])
    return lambda judged: reward(judged) if condition(judged) else otherwise


def convex(first: float, second: float, weight: float) -> float:
    """(first + weight * second) / (1 + weight): RefCritic's judgement and refinement (arXiv
    2507.15024). With weight 0 it is the first alone.

    Raises:
        ValueError: a number is not finite, or the weight is negative.
    """
    require_finite("number", [first, second, weight])
    if weight < 0:
        raise ValueError(f"weight={weight}: it must not be negative")
    return (first + weight * second) / (1 + weight)


def with_format(accuracy: float, formatted: bool, share: float) -> float:
    """share * accuracy + (1 - share) for keeping to the format.

    The share is 0.9 in LLaVA-Critic-R1 (arXiv 2509.00676) and 0.8 in DeepEyesV2 (2511.05271).

    Raises:
        ValueError: the share does not lie in [0, 1].
    """
    require_share("share", share)
    return share * accuracy + (1 - share) * formatted


def signs(sparse: float, dense: float, weight: float = 0.1) -> float:
    """sgn(sparse) + weight * sgn(dense): sizes that a model chose cannot rule (Auto MC-Reward,
    arXiv 2312.09238)."""
    require_finite("reward", [sparse, dense])
    return _sign(sparse) + weight * _sign(dense)


def by_step(stages: Mapping[int, T]) -> Callable[[int], T]:
    """What is in force at a training step: the stage that began last.

    Critique-RL, RefCritic and SCoRe switch their rewards so:
    `by_step({0: judge, 500: help})(step)`.

    Args:
        stages: by the step at which each begins; one begins at 0.

    Raises:
        ValueError: none begins at 0; a step asked for is negative.
    """
    if 0 not in stages or min(stages) < 0:
        raise ValueError(f"stages begin at {sorted(stages)}: the first has to begin at 0")

    def at(step: int) -> T:
        if step < 0:
            raise ValueError(f"step={step}: it must not be negative")
        return stages[max(start for start in stages if start <= step)]

    return at


def cosine_down(step: int, steps: int) -> float:
    """From 1 to 0 over so many steps, then 0: how SPEAR's tool bonus leaves (arXiv 2509.22601)."""
    return 1 - cosine_up(step, steps)


def cosine_up(step: int, steps: int) -> float:
    """From 0 to 1 over so many steps, then 1: how SPEAR's replay comes in.

    Raises:
        ValueError: `steps` is not positive, or `step` is negative.
    """
    if steps < 1 or step < 0:
        raise ValueError(f"step={step} of steps={steps}: steps are counted from 0, to at least 1")
    return (1 - math.cos(math.pi * min(step, steps) / steps)) / 2


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
