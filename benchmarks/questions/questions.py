"""Questions: the world shows one, takes one answer, and grades it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

from ...episodes import Observation, Task
from ..environment import Environment


@dataclass(frozen=True, slots=True)
class Grade:
    """What an answer is worth."""

    reward: float
    """In [0, 1]; 1 is right."""
    info: dict[str, Any] = field(default_factory=dict)
    """Why, for reports. JSON values only."""


class Questions(Environment):
    """Tasks whose prompt says everything and that end with the first answer."""

    max_steps = 1

    def __init__(self) -> None:
        self._task: Task | None = None

    @abstractmethod
    def grade(self, task: Task, answer: str) -> Grade:
        """Compare an answer with the task's reference."""

    def reset(self, task: Task) -> Observation:
        self._task, self._last = task, Observation(task.prompt)
        return self._last

    def step(self, action: str) -> Observation:
        task = self._playing()
        if self._last.done:
            return Observation("You have answered already.", done=True, info={"valid": False})
        grade = self.grade(task, action)
        stop = "solved" if grade.reward == 1 else "not solved"
        info = {"won": grade.reward == 1, **grade.info, "stop": stop}
        self._last = Observation(
            "Your answer was taken.", reward=grade.reward, done=True, info=info
        )
        return self._last

    def snapshot(self) -> tuple[str, Observation]:
        return self._playing().id, self._last

    def restore(self, snapshot: tuple[str, Observation]) -> Observation:
        """Return to a snapshot of the task that is set up now.

        Raises:
            ValueError: the snapshot is of another task.
        """
        task, (identity, last) = self._playing(), snapshot
        if identity != task.id:
            raise ValueError(f"a snapshot of {identity} cannot continue {task.id}")
        self._last = last
        return last

    def close(self) -> None:
        self._task = None

    def _playing(self) -> Task:
        if self._task is None:
            raise RuntimeError("no task is set up: call reset first")
        return self._task
