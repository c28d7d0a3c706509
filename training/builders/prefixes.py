"""What the beginnings of solutions are worth, from how the plays that share them ended.

The value of a prefix is the mean outcome of all plays that go on from it: the Monte Carlo label of
process rewards (Math-Shepherd, arXiv 2312.08935; DeepCritic, 2505.00662, and SPC, 2504.19162, judge
steps so). A search keeps such values in its tree; `graphs.searching.rest_mcts.labels` has another
kind.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..checks import require_finite

Step = TypeVar("Step", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Prefix:
    """How the plays from one prefix on ended."""

    plays: int
    value: float
    """Their mean outcome."""
    best: float
    """Their best outcome: whether an end can be reached from here at all."""


def prefix_values(
    plays: Iterable[tuple[Sequence[Step], float]],
) -> dict[tuple[Step, ...], Prefix]:
    """Of every prefix of the plays, the empty and the whole ones among them, what it is worth.

    Args:
        plays: the steps of each play, and its outcome.

    Raises:
        ValueError: an outcome is not finite.
    """
    outcomes: dict[tuple[Step, ...], list[float]] = {}
    for steps, outcome in plays:
        require_finite("outcome", [outcome])
        for end in range(len(steps) + 1):
            outcomes.setdefault(tuple(steps[:end]), []).append(outcome)
    return {
        prefix: Prefix(len(ends), sum(ends) / len(ends), max(ends))
        for prefix, ends in outcomes.items()
    }


def first_error(
    values: Mapping[tuple[Step, ...], Prefix], steps: Sequence[Step], floor: float = 0.0
) -> int | None:
    """The first step, from 0, after which no play did better than `floor`; None without one.

    Raises:
        ValueError: a prefix of the steps was never played.
    """
    for end in range(1, len(steps) + 1):
        if (prefix := tuple(steps[:end])) not in values:
            raise ValueError(f"no play began with {prefix!r}")
        if values[prefix].best <= floor:
            return end - 1
    return None
