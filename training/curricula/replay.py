"""Replay: what earlier iterations were trained on, drawn from again.

The run keeps the rows of every iteration, so a buffer is nothing but limits on what is remembered
of them: how many, and how old. What is drawn again tells its age in `extras["age"]`, for objectives
that weigh by it, and is not remembered a second time. Items of other kinds (questions that nobody
solved) are kept in a stage's memory and bounded by the same limits.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from ..loop.recipe import Stage
from ..sample import Example

T = TypeVar("T")
AGE = "age"
"""Among a row's extras: iterations since it was collected. New rows have none."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The limits of a buffer."""

    capacity: int
    """Items that are remembered; the oldest are forgotten first."""
    max_age: int | None = None
    """Iterations after which an item is forgotten; None remembers as long as there is room."""

    def __post_init__(self) -> None:
        """Raises ValueError when a limit is below 1."""
        if self.capacity < 1 or (self.max_age is not None and self.max_age < 1):
            raise ValueError(f"{self}: limits are at least 1")

    def held(self, items: Iterable[tuple[int, T]], now: int) -> list[tuple[int, T]]:
        """What is remembered, oldest first.

        Args:
            items: each with the iteration that it comes from, in the order they came in.
            now: the present iteration.

        Raises:
            ValueError: an item comes from a later iteration.
        """
        young = []
        for born, item in items:
            if born > now:
                raise ValueError(f"an item of iteration {born} is in the buffer of iteration {now}")
            if self.max_age is None or now - born <= self.max_age:
                young.append((born, item))
        young.sort(key=lambda each: each[0])
        return young[-self.capacity :]

    def drawn(
        self, items: Iterable[tuple[int, T]], now: int, count: int, rng: random.Random
    ) -> list[tuple[int, T]]:
        """So many of what is remembered, by chance; all where there are fewer.

        Raises:
            ValueError: `count` is negative, or an item comes from a later iteration.
        """
        held = self.held(items, now)
        return rng.sample(held, min(count, len(held)))

    def rows(self, stage: Stage, policy: str, count: int) -> list[Example]:
        """So many rows that the policy was trained on in earlier iterations, with their age."""
        drawn = self.drawn(earlier_rows(stage, policy), stage.iteration, count, stage.rng)
        return [
            replace(row, extras={**row.extras, AGE: float(stage.iteration - born)})
            for born, row in drawn
        ]


def earlier_rows(stage: Stage, policy: str) -> list[tuple[int, Example]]:
    """All rows that were new in earlier iterations, each with its iteration, oldest first.

    Raises:
        ValueError: the stage is not that of a run.
    """
    if stage.past is None:
        raise ValueError("this stage has no past: only the stages of `train` have")
    return [
        (iteration, row)
        for iteration in range(stage.iteration)
        for row in stage.past(iteration, policy)
        if AGE not in row.extras
    ]
