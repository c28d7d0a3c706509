"""Stages of a training, each from an iteration on: Critique-RL, RefCritic and SCoRe earn otherwise
in their second stage than in their first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..loop.recipe import Stage
from ..rewards import by_step

T = TypeVar("T")


@dataclass(frozen=True)
class StageSwitch(Generic[T]):
    """What is in force in an iteration: `StageSwitch({0: judge, 5: help})(stage)`.

    It looks at the iteration alone, so a run that is lengthened later has had the same stages.
    """

    stages: Mapping[int, T]
    """By the iteration, from 0, at which each begins."""

    def __post_init__(self) -> None:
        """Raises ValueError when no stage begins at 0."""
        by_step(self.stages)

    def __call__(self, stage: Stage) -> T:
        """What is in force."""
        return self.stages[self.began(stage)]

    def began(self, stage: Stage) -> int:
        """The iteration at which what is in force began."""
        return by_step({start: start for start in self.stages})(stage.iteration)
