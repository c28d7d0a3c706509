"""Try again: the questions of another environment, asked until the answer is right.

After a wrong answer the world says one fixed line and nothing else: not by how much the answer was
wrong, nor what is right. It ends with a right answer, or after so many attempts. Any environment
that ends with the first answer will do.

Paper: "A Simple 'Try Again' Can Elicit Multi-Turn LLM Reasoning", arXiv 2507.14295; the line and
five attempts are its own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from ...episodes import Observation, Task
from ..environment import Environment
from ..registry import make_environment
from ..settings import require_whole
from .questions import Questions

AGAIN = "Incorrect. Please think again."


class TryAgain(Environment):
    """Questions with several attempts.

    Args:
        of: the environment that asks, by its name.
        attempts: answers to a question at most.
        line: what is said after a wrong one.
        options: of the environment that asks.

    Raises:
        ValueError: there is none of that name, or it asks no questions.
    """

    name = "try-again"
    splits: tuple[str, ...] = ("test", "train")  # type: ignore[misc]
    worker_processes: bool = False  # type: ignore[misc]

    def __init__(
        self, *, of: str = "arithmetic", attempts: int = 5, line: str = AGAIN, **options: Any
    ) -> None:
        require_whole("attempts", attempts, least=1)
        asks = make_environment(of, **options)
        if not isinstance(asks, Questions):
            raise ValueError(f"of={of!r}: it is no environment of questions with one answer each")
        self.of, self.attempts, self.line, self._asks = of, attempts, line, asks
        self.splits, self.worker_processes = asks.splits, asks.worker_processes
        self.max_steps = attempts
        self._tried = 0
        self._last = Observation("")

    @property
    def options(self) -> dict[str, Any]:
        own = {"of": self.of, "attempts": self.attempts, "line": self.line}
        return {**own, **self._asks.options}

    @property
    def default_split(self) -> str:
        return self._asks.default_split

    def instructions_for(self, task: Task) -> str:
        return self._asks.instructions_for(task)

    def tasks(self, split: str) -> Sequence[Task]:
        return self._asks.tasks(split)

    def reset(self, task: Task) -> Observation:
        self._task, self._tried = task, 0
        self._last = self._asks.reset(task)
        return self._last

    def step(self, action: str) -> Observation:
        """Take an answer.

        Raises:
            RuntimeError: no task is set up.
        """
        if self._last.done:
            return self._asks.step(action)
        seen = self._asks.step(action)
        self._tried += 1
        if seen.reward < 1 and self._tried < self.attempts:
            self._asks.reset(self._task)
            seen = Observation(self.line)
        else:
            seen = replace(seen, info={**seen.info, "attempts": self._tried})
        self._last = seen
        return seen

    def snapshot(self) -> tuple[int, Observation, Any]:
        return self._tried, self._last, self._asks.snapshot()

    def restore(self, snapshot: tuple[int, Observation, Any]) -> Observation:
        """Return to a snapshot of the task that is set up now.

        Raises:
            ValueError: the snapshot is of another task.
        """
        self._tried, last, asked = snapshot
        self._asks.restore(asked)
        self._last = last
        return last

    def fork(self) -> Self:
        twin = copy.copy(self)
        twin._asks = self._asks.fork()
        return twin

    def close(self) -> None:
        self._asks.close()
