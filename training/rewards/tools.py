"""The count of tool calls in a reward: no more than needed, or rather some than none."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..checks import require_as_many, require_positive, require_share

SMOOTHING = 1.0
DEMY_CAP, DEMY_STEP = -0.6, 0.1
SPEAR_STEP = 0.1
MULTI_TOOL_BONUS = 0.1
SEARCH_COST = 0.1


def otc_ppo(calls: int, smoothing: float = SMOOTHING) -> float:
    """cos(m pi / (2 m + c)) for m calls: 1 without any, falling to 0 (OTC-PPO, arXiv 2504.14870).

    Args:
        smoothing: c, in the paper the calls allowed (recalled); 1 in community code.

    Raises:
        ValueError: calls are negative, or the smoothing is not positive.
    """
    _require_count("calls", calls)
    require_positive("smoothing", smoothing)
    return math.cos(calls * math.pi / (2 * calls + smoothing))


def otc_grpo(calls: int, fewest: int, smoothing: float = SMOOTHING) -> float:
    """How near m calls are to the fewest n that sufficed (OTC-GRPO, arXiv 2504.14870).

    With n = 0 it is `otc_ppo`; otherwise sin(f pi / (2 n)) with f = 2 n m / (m + n), greatest (1)
    at m = n.

    Raises:
        ValueError: a number is negative, or the smoothing is not positive.
    """
    _require_count("calls", calls)
    _require_count("fewest", fewest)
    if fewest == 0:
        return otc_ppo(calls, smoothing)
    return math.sin(calls * math.pi / (calls + fewest))


def otc(
    calls: Sequence[int],
    right: Sequence[bool],
    *,
    fewest: int | None = None,
    smoothing: float = SMOOTHING,
    alpha: float = 1.0,
) -> tuple[list[float], int | None]:
    """The rewards of the rollouts of one question: alpha * `otc_grpo` to right ones, 0 to others.

    Args:
        calls: of each rollout.
        right: whether each was right.
        fewest: the fewest calls that sufficed in earlier epochs; None where none was right yet.

    Returns:
        The rewards, and the fewest calls known by now.

    Raises:
        ValueError: there are not as many of one as of the other, or a number is out of range.
    """
    require_as_many("counts of calls", calls, "outcomes", right)
    enough = [count for count, good in zip(calls, right, strict=True) if good]
    known = min([*enough, *([] if fewest is None else [fewest])], default=None)
    if known is None:
        return [0.0] * len(calls), None
    rewards = [
        alpha * otc_grpo(count, known, smoothing) if good else 0.0
        for count, good in zip(calls, right, strict=True)
    ]
    return rewards, known


def demy_agent(right: bool, turns: int) -> float:
    """1 if right; else -1, softened by turns with tools, but not above -0.6 (DemyAgent, arXiv
    2510.11701).

    Args:
        turns: of the conversation, the agent's and the tools' together.

    Raises:
        ValueError: turns are negative.
    """
    _require_count("turns", turns)
    return 1.0 if right else min(DEMY_CAP, -1 + DEMY_STEP * (turns - 2) / 2)


def spear_bonus(turns: int, weight: float) -> float:
    """weight * min(1, 0.1 * turns with tools), right or wrong (SPEAR, arXiv 2509.22601); the weight
    leaves by `cosine_down`.

    Raises:
        ValueError: turns are negative, or the weight does not lie in [0, 1].
    """
    _require_count("turns", turns)
    require_share("weight", weight)
    return weight * min(1.0, SPEAR_STEP * turns)


def tool_star(f1: float, *, valid: bool, all_tools: bool) -> float:
    """-1 where the form is broken, else F1, and 0.1 more where that is above 0 and all tools were
    used (Tool-Star, arXiv 2505.16410).

    Raises:
        ValueError: F1 does not lie in [0, 1].
    """
    require_share("f1", f1)
    if not valid:
        return -1.0
    return f1 + MULTI_TOOL_BONUS * (f1 > 0 and all_tools)


def search_cost(accuracy: float, searched: bool, cost: float = SEARCH_COST) -> float:
    """accuracy * (1 - cost) where anything was searched for (DeepEyesV2, arXiv 2511.05271).

    Raises:
        ValueError: the cost does not lie in [0, 1].
    """
    require_share("cost", cost)
    return accuracy * (1 - cost * searched)


def _require_count(name: str, value: int) -> None:
    if value < 0:
        raise ValueError(f"{name}={value}: it must not be negative")
