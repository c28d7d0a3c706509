"""Small word problems that are generated: no data, and within the reach of the model `tiny`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...episodes import Task
from ...models.tiny.make.arithmetic import make_problem
from ..settings import require_whole
from .questions import Grade, Questions


class Arithmetic(Questions):
    """Word problems of one to three steps with whole numbers up to 20; a kind is the number of
    steps. Problems of different splits and seeds are drawn apart.

    Args:
        size: problems in a split.
        seed: of the problems.

    Example:
        "Ada has 4 coins. Ben gives Ada 3 more. How many coins are there now?" -> 7
    """

    name = "arithmetic"
    splits = ("test", "train")
    instructions = "Solve the problem. Your answer is one whole number."

    def __init__(self, *, size: int = 200, seed: int = 0) -> None:
        super().__init__()
        require_whole("size", size, least=1)
        require_whole("seed", seed)
        self.size, self.seed = size, seed

    @property
    def options(self) -> dict[str, Any]:
        return {"size": self.size, "seed": self.seed}

    def tasks(self, split: str) -> Sequence[Task]:
        self.require_split(split)
        return [self._task_of(split, number) for number in range(self.size)]

    def grade(self, task: Task, answer: str) -> Grade:
        return Grade(float(answer.strip() == str(task.reference)))

    def _task_of(self, split: str, number: int) -> Task:
        question, steps, answer = make_problem(f"{split} {self.seed} {number}")
        kind = f"{len(steps)} step{'s' * (len(steps) > 1)}"
        return Task(f"arithmetic:{split}/{self.seed}/{number}", question, kind, reference=answer)
