"""Small programming tasks that are generated: no data, and a solution for each."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...episodes import Task
from ..settings import require_whole
from .code import Programming, Tests

ARGUMENTS = 6
"""Calls that a task is tested with."""


@dataclass(frozen=True, slots=True)
class _Family:
    """Tasks of one kind; `a` and `b` stand for numbers that are drawn."""

    kind: str
    sentence: str
    solution: str
    argument: Callable[[random.Random], Any]


def _number(rng: random.Random) -> int:
    return rng.randrange(60)


def _numbers(rng: random.Random) -> list[int]:
    return [rng.randrange(-9, 30) for _ in range(rng.randrange(7))]


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("abcdefg ") for _ in range(rng.randrange(12)))


FAMILIES = (
    _Family(
        "numbers",
        "returns the sum of the whole numbers below x that {a} or {b} divides",
        "sum(n for n in range(x) if n % {a} == 0 or n % {b} == 0)",
        _number,
    ),
    _Family("numbers", "returns {a} times x plus {b}", "{a} * x + {b}", _number),
    _Family(
        "lists",
        "returns the numbers of the list x that are greater than {a}, each plus {b}",
        "[n + {b} for n in x if n > {a}]",
        _numbers,
    ),
    _Family(
        "lists",
        "returns the list x sorted by the remainder that {a} leaves, then by value",
        "sorted(x, key=lambda n: (n % {a}, n))",
        _numbers,
    ),
    _Family(
        "texts",
        "returns every character of the text x at a place that {a} divides, counted from 0",
        "x[::{a}]",
        _word,
    ),
    _Family(
        "texts",
        "returns the text x, repeated {a} times with a hyphen between",
        "'-'.join([x] * {a})",
        _word,
    ),
)


class Functions(Programming):
    """Functions that a sentence describes, tested in the sandbox; no data is needed.

    Args:
        size: tasks in a split.
        seed: of the tasks.

    Example:
        "Write a Python function f(x) that returns 3 times x plus 5." -> def f(x): ...
    """

    name = "functions"
    splits = ("test", "train")

    def __init__(self, *, size: int = 60, seed: int = 0, **sandbox: Any) -> None:
        super().__init__(**sandbox)
        require_whole("size", size, least=1)
        require_whole("seed", seed)
        self.size, self.seed = size, seed

    @property
    def options(self) -> dict[str, Any]:
        return {"size": self.size, "seed": self.seed, **super().options}

    def tasks(self, split: str) -> Sequence[Task]:
        self.require_split(split)
        return [self._task_of(split, number) for number in range(self.size)]

    def program(self, task: Task, code: str) -> str:
        return code

    def tests(self, task: Task) -> Tests:
        solution, arguments = task.reference
        return Tests([f"assert f({x!r}) == ({solution})({x!r})" for x in arguments])

    def solution(self, task: Task) -> str:
        """A program that solves the task."""
        return f"f = {task.reference[0]}\n"

    def _task_of(self, split: str, number: int) -> Task:
        rng = random.Random(f"functions {split} {self.seed} {number}")
        family = FAMILIES[number % len(FAMILIES)]
        drawn = {"a": rng.randint(2, 9), "b": rng.randint(2, 9)}
        arguments = [family.argument(rng) for _ in range(ARGUMENTS)]
        return Task(
            f"functions:{split}/{self.seed}/{number}",
            f"Write a Python function f(x) that {family.sentence.format(**drawn)}. "
            "Your answer is the code.",
            family.kind,
            reference=(f"lambda x: {family.solution.format(**drawn)}", arguments),
        )
