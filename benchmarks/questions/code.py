"""Programming questions: the answer is Python, run on hidden tests in the sandbox."""

from __future__ import annotations

import asyncio
import copy
import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ...episodes import Task
from ...tools.code import code_of
from ...tools.sandbox import Limits, PythonSandbox, TestReport
from ..settings import require_seconds
from .questions import Grade, Questions


@dataclass(frozen=True, slots=True)
class Tests:
    """How the answers to a question are tested; see `PythonSandbox.run_tests`."""

    tests: str | Sequence[str]
    entry_point: str | None = None


class Programming(Questions):
    """Questions whose answer is a program.

    An answer is code, bare or in one fenced block. It is worth 1 when it passes all tests, else 0.
    The facts of an answer say how many it passed and, for the first that failed, what sort of
    error it was.

    Args:
        seconds: what loading the answer may take, and each test.
        backend: how the sandbox isolates, by default as `PythonSandbox` chooses.
        allow_unsafe: whether the backend may be one that does not isolate.
    """

    worker_processes = True
    packages: ClassVar[tuple[str, ...]] = ()
    """What the tests import besides the standard library."""
    memory: ClassVar[int] = Limits().memory
    """Bytes of address space for a test."""

    def __init__(
        self, *, seconds: float = 10.0, backend: str | None = None, allow_unsafe: bool = False
    ) -> None:
        super().__init__()
        require_seconds("seconds", seconds)
        self._seconds = seconds
        self._backend = backend
        self._allow_unsafe = allow_unsafe
        self._bench = _Bench(self._sandbox())
        self._owner = True

    @property
    def options(self) -> dict[str, Any]:
        return {
            "seconds": self._seconds,
            "backend": self._backend,
            "allow_unsafe": self._allow_unsafe,
        }

    def _sandbox(self) -> PythonSandbox:
        limits = Limits(
            seconds=self._seconds,
            cpu_seconds=math.ceil(self._seconds),
            memory=self.memory,
            total_memory=max(self.memory, Limits().total_memory),
        )
        return PythonSandbox(
            self._backend,
            limits=limits,
            packages=self.packages,
            allow_unsafe=self._allow_unsafe,
        )

    @abstractmethod
    def program(self, task: Task, code: str) -> str:
        """The whole program under test, from the code of an answer."""

    @abstractmethod
    def tests(self, task: Task) -> Tests:
        """The hidden tests."""

    def grade(self, task: Task, answer: str) -> Grade:
        code = code_of(answer)
        if code is None:
            return Grade(0.0, {"valid": False, "mistake": "unreadable"})
        report = self._bench.run(self.program(task, code), self.tests(task))
        failed = next((test for test in report.tests if not test.passed), None)
        return Grade(
            float(report.ok),
            {
                "passed": report.passed,
                "tests": len(report.tests),
                "mistake": str(failed.mistake) if failed else None,
                "sandbox": report.backend,
            },
        )

    def fork(self) -> Self:
        own = copy.copy(self)
        own._bench, own._owner = self._bench, False
        return own

    def __getstate__(self) -> dict[str, Any]:
        """What a pickled copy takes over: the settings, and no sandbox."""
        return {key: value for key, value in self.__dict__.items() if key != "_bench"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _owner=True)
        self._bench = _Bench(self._sandbox())

    def close(self) -> None:
        super().close()
        if self._owner:
            self._bench.close()


class _Bench:
    """A sandbox for code that is not async, opened at first use."""

    def __init__(self, box: PythonSandbox) -> None:
        self._box = box
        self._runner: asyncio.Runner | None = None

    def run(self, program: str, tests: Tests) -> TestReport:
        if self._runner is None:
            runner = asyncio.Runner()
            runner.run(self._box.open())
            self._runner = runner
        return self._runner.run(
            self._box.run_tests(program, tests.tests, entry_point=tests.entry_point)
        )

    def close(self) -> None:
        if self._runner is not None:
            self._runner.run(self._box.close())
            self._runner.close()
        self._runner = None
