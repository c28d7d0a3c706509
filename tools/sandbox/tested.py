"""Tests of a piece of code, each in a worker of its own, as code benchmarks run them.

A test's worker loads the code under test first, as the module `solution`, and is given the test
only then. So a test that hangs, crashes or fills the memory says nothing about the others, state
does not pass from test to test, and code that runs while it is loaded cannot know the test. The
verdict must carry the test's nonce and a seal that the runner was given before it loaded the code,
so to read the test from the channel is not enough to answer it. A test passes when it ran to its
end and exactly one verdict came, in time, from the process that was asked: printing "ok", leaving
with code 0, writing to every descriptor, or replacing built-ins does not pass it.

Code under test and test share an interpreter all the same. Code that sets out to attack the runner
through frames, audit hooks, the garbage collector or ctypes can forge a pass; so can code that
replaces functions of modules that the tests use, such as `unittest.TestCase.debug` or
`math.isclose`, and a value whose `__eq__` says yes to everything. Where that matters, read what
passed.
"""

from __future__ import annotations

import asyncio
import keyword
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .backend import UnavailableError, Worker
from .files import outgoing
from .limits import Limits
from .reply import Answer, ask, unavailable
from .result import Coverage, Mistake, Result, Status, TestReport, TestResult

CONCURRENT = 8
"""Tests of one piece of code that run at once, at most."""


@dataclass(frozen=True, slots=True)
class Test:
    """One test: `code` to run on what the solution defined, and what of it to call."""

    name: str
    code: str
    file: str
    """The file name in tracebacks."""
    function: str | None = None
    """A function, or `Class.method`, to call after the code ran; None where the code is all."""
    entry: str | None = None
    """The one name of the solution that may hide a built-in's; None where any may."""


@dataclass(slots=True)
class Runner:
    """Runs the tests of one piece of code.

    Args:
        take: gives a fresh worker.
        backend: the name that results carry.
        limits: those of one worker; `seconds` holds for the loading and for the test, each.
        code: the code under test.
        files: the part of a job that brings files into the work folder.
        coverage: whether lines are counted.
    """

    take: Callable[[], Awaitable[Worker]]
    backend: str
    limits: Limits
    code: str
    files: Mapping[str, Any]
    coverage: bool = False
    _executable: set[int] = field(default_factory=set)
    _executed: set[int] = field(default_factory=set)

    async def report(self, tests: str | Sequence[str], entry_point: str | None) -> TestReport:
        """Run the tests; see `PythonSandbox.run_tests`."""
        began = time.monotonic()
        listed = await self._listed(tests, entry_point)
        results = (listed,) if isinstance(listed, TestResult) else await self._run(listed)
        covered = Coverage(
            frozenset(self._executable), frozenset(self._executed & self._executable)
        )
        return TestReport(
            results,
            self.backend,
            covered if self.coverage else None,
            time.monotonic() - began,
        )

    async def _listed(
        self, tests: str | Sequence[str], entry_point: str | None
    ) -> list[Test] | TestResult:
        """The tests, or, where there is none to be found, what is wrong with them."""
        if not isinstance(tests, str):
            return [
                Test(f"test {number}", code, f"<test {number}>", entry=entry_point)
                for number, code in enumerate(tests, 1)
            ]
        if entry_point is not None:
            call = f"{tests}\n\ncheck({entry_point})\n"
            return [Test("check", call, "tests.py", entry=entry_point)]
        job = {"kind": "names", "code": tests, "name": "tests.py"}
        try:
            worker = await self.take()
        except UnavailableError as error:
            return TestResult("tests.py", unavailable(self.backend, error))
        try:
            answer = await ask(worker, self.backend, job, self.limits.seconds, last=True)
        finally:
            await worker.close()
        if answer.reply is None or not answer.result.ok:
            return TestResult("tests.py", answer.result)
        if not answer.reply.names:
            none = "there is no function named test_... in the tests"
            result = replace(answer.result, status=Status.ERROR, error=none, mistake=Mistake.OTHER)
            return TestResult("tests.py", result)
        return [Test(name, tests, "tests.py", name) for name in answer.reply.names]

    async def _run(self, tests: list[Test]) -> tuple[TestResult, ...]:
        """All tests at once, but the first before the others: if the code cannot be loaded for
        it, it need not be tried for the others."""
        if not tests:
            return ()
        first, loaded = await self._one(tests[0])
        if not loaded:
            return tuple(TestResult(test.name, first.result) for test in tests)
        turns = asyncio.Semaphore(CONCURRENT)

        async def one(test: Test) -> TestResult:
            async with turns:
                return (await self._one(test))[0]

        async with asyncio.TaskGroup() as group:
            others = [group.create_task(one(test)) for test in tests[1:]]
        return (first, *(task.result() for task in others))

    async def _one(self, test: Test) -> tuple[TestResult, bool]:
        """A test's result, and whether the code under test could be loaded for it."""
        try:
            worker = await self.take()
        except UnavailableError as error:
            return TestResult(test.name, unavailable(self.backend, error)), False
        seal = secrets.token_hex(16)
        try:
            loading = await self._ask(
                worker,
                {
                    **{"kind": "load", "code": self.code, "name": "solution.py", "seal": seal},
                    **{"coverage": self.coverage, **self.files},
                },
            )
            if not loading.alive or not loading.result.ok:
                return TestResult(test.name, loading.result), False
            testing = await self._ask(
                worker,
                {
                    **{"kind": "test", "code": test.code, "name": test.file},
                    **{"function": test.function, "entry": test.entry},
                },
                last=True,
                seal=seal,
            )
            return TestResult(test.name, _joined(loading.result, testing.result)), True
        finally:
            await worker.close()

    async def _ask(
        self, worker: Worker, job: Mapping[str, Any], *, last: bool = False, seal: str = ""
    ) -> Answer:
        answer = await ask(worker, self.backend, job, self.limits.seconds, last=last, seal=seal)
        if answer.reply is not None:
            self._executable.update(answer.reply.executable)
            self._executed.update(answer.reply.executed)
        return answer


async def run_tests(
    take: Callable[[], Awaitable[Worker]],
    backend: str,
    limits: Limits,
    code: str,
    tests: str | Sequence[str],
    *,
    entry_point: str | None = None,
    files: Mapping[str, bytes | str] | None = None,
    coverage: bool = False,
    timeout: float | None = None,
) -> TestReport:
    """See `PythonSandbox.run_tests`; `take` gives a fresh worker of `backend` with `limits`."""
    if entry_point is not None and not _is_name(entry_point):
        raise ValueError(f"entry_point={entry_point!r}: it must be the name of a function")
    if timeout is not None:
        limits = replace(limits, seconds=timeout)
    runner = Runner(take, backend, limits, code, outgoing(files or {}), coverage)
    return await runner.report(tests, entry_point)


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _joined(loading: Result, testing: Result) -> Result:
    """The test's result, with what the code printed while it was loaded in front."""
    return replace(
        testing,
        stdout=loading.stdout + testing.stdout,
        stderr=loading.stderr + testing.stderr,
        truncated=loading.truncated or testing.truncated,
        seconds=loading.seconds + testing.seconds,
    )
