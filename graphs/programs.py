"""Programs: what a coder proposes, and what the tests that it may see say of it.

Visible tests stand in the task's data (`data["tests"]`, a list of snippets such as
`"assert add(1, 2) == 3"`); the hidden ones, by which answers are graded, are the task's reference,
which no team is given. Code runs in the sandbox only.
"""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable, Sequence

from pydantic import Field

from ..agents import Proposal, TeamState
from ..tools.code import code_of
from ..tools.condense import cut
from ..tools.sandbox import PythonSandbox, Status, TestReport, TestResult, UnavailableError

Runner = Callable[[str, Sequence[str]], Awaitable[TestReport]]
"""Runs tests on code; the `run_tests` of an open `PythonSandbox` is one."""
LONGEST_ERROR = 1_000
"""Characters of an error that are told."""
OBSERVED = "__observed"


class Program(Proposal):
    """A program that solves a task."""

    reasoning: str = ""
    code: str = Field(min_length=1)

    @property
    def value(self) -> str:
        return code_of(self.code) or self.code


def visible_tests(state: TeamState) -> list[str]:
    """The tests of the task that its solver may see.

    Raises:
        ValueError: there are none, or they are no list of texts.
    """
    task = state.get("task")
    tests = task.data.get("tests", []) if task else []
    if not isinstance(tests, list) or not all(isinstance(test, str) for test in tests):
        raise ValueError(f"data['tests'] of a task must be a list of texts, not {tests!r}")
    if not tests:
        raise ValueError(
            "this team runs the tests in the task's data['tests'], and there are none: choose one "
            "that needs no tests, or put some there that the solver may see"
        )
    return tests


async def in_sandbox(code: str, tests: Sequence[str]) -> TestReport:
    """Run tests in a sandbox that is opened for them. Where there are many programs, one that
    stays open (`async with PythonSandbox() as box`, `box.run_tests`) saves its start."""
    async with PythonSandbox(workers=1) as box:
        return await box.run_tests(code, tests)


Run = Callable[[str], Awaitable[tuple[str, bool]]]
"""Runs code, and gives what it printed, or its error, and whether it failed."""


async def ran(code: str) -> tuple[str, bool]:
    """Run code in a sandbox that is opened for it.

    Raises:
        UnavailableError: it could not be run, which is no fault of the code.
    """
    async with PythonSandbox(workers=1) as box:
        result = await box.run(code)
    if result.status is Status.UNAVAILABLE:
        raise UnavailableError(result.error)
    if result.status is Status.OK:
        return cut(result.stdout, LONGEST_ERROR), False
    error = f"{result.error_type or result.status.value}: {result.error}".strip(": ")
    return cut(error, LONGEST_ERROR), True


async def printed(code: str) -> str:
    """What code printed, or its error; see `ran`."""
    return (await ran(code))[0]


async def failing(
    program: Proposal, tests: Sequence[str], run: Runner
) -> list[tuple[str, TestResult]]:
    """The tests that a program fails, with how.

    Raises:
        UnavailableError: the tests could not be run, which is no fault of the program.
    """
    report = await run(program.value, [telling(test) for test in tests])
    for test in report.tests:
        if test.result.status is Status.UNAVAILABLE:
            raise UnavailableError(test.result.error)
    results = zip(tests, report.tests, strict=True)
    return [(test, result) for test, result in results if not result.passed]


def told(test: str, result: TestResult) -> str:
    """How a test failed: what the program gave, or the error that it ended in."""
    ended = result.result
    error = f"{ended.error_type or ended.status.value}: {ended.error}".strip(": ")
    place = f" (line {ended.line})" if ended.line and "solution.py" in ended.traceback else ""
    return f"{test}\n{cut(error, LONGEST_ERROR)}{place}"


def telling(test: str) -> str:
    """A test that compares what a call gives (`assert f(x) == y`), so that its failure tells what
    that was; any other test as it is."""
    try:
        (*before, check) = ast.parse(test).body
    except (SyntaxError, ValueError):
        return test
    if not (isinstance(check, ast.Assert) and isinstance(check.test, ast.Compare)):
        return test
    setup = "\n".join(map(ast.unparse, before))
    compared = check.test
    calls = any(isinstance(part, ast.Call) for part in ast.walk(compared.left))
    if not calls or isinstance(compared.ops[0], ast.In | ast.NotIn):
        return test
    given, compared.left = ast.unparse(compared.left), ast.Name(OBSERVED)
    claim = ast.unparse(compared)
    return f'{setup}\n{OBSERVED} = {given}\nassert {claim}, f"it gave {{{OBSERVED}!r}}"'.lstrip()
