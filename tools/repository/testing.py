"""The tests of a repository, run by pytest in a sandbox on a copy of the workspace's files.

The copy goes when the run ends; what tests write never comes back. The report is written by the
process in which the code under test runs, so it is read strictly, and a run whose report is
missing, broken or at odds with how the process ended counts as failed. It is no proof against code
that means to deceive: a module that the tests import could write the report itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .exporting import packed
from .store import Store

if TYPE_CHECKING:
    from ..sandbox import Result

MAX_DETAIL = 4_000
"""Characters kept of what a failed test says: the last ones."""
SHOWN = 10
"""Failed tests shown in the text of a report."""
INSIDE = Path(__file__).with_name("inside.py")
"""The program that runs in the sandbox."""

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]


class Sandbox(Protocol):
    """What runs code: a `PythonSandbox` whose packages hold pytest."""

    async def run(
        self, code: str, *, files: Mapping[str, bytes | str], collect: Sequence[str]
    ) -> Result: ...


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """One test of a repository."""

    __test__ = False  # not a test of pytest's

    id: str
    """Pytest's node id, such as `tests/test_a.py::test_b[1]`; a file that cannot be read is one
    too."""
    outcome: Outcome
    seconds: float = 0.0
    detail: str = ""
    """The traceback of a failure, or its end."""


@dataclass(frozen=True, slots=True)
class TestRun:
    """All tests of one run, and how the run itself ended."""

    __test__ = False

    tests: tuple[TestOutcome, ...]
    result: Result
    """The run in the sandbox."""
    trouble: str = ""
    """Why the run as a whole cannot be believed, or did not come to its end; empty if it did."""

    @property
    def ok(self) -> bool:
        """Whether the run came to its end, at least one test passed, and none failed."""
        outcomes = {test.outcome for test in self.tests}
        return not self.trouble and "passed" in outcomes and not outcomes & {"failed", "error"}

    @property
    def passed(self) -> frozenset[str]:
        """Ids of the tests that passed; none if the run is not to be believed."""
        return frozenset(t.id for t in self.tests if t.outcome == "passed" and not self.trouble)

    @property
    def failed(self) -> tuple[TestOutcome, ...]:
        """Tests that failed, or could not be run."""
        return tuple(test for test in self.tests if test.outcome in ("failed", "error"))

    def __str__(self) -> str:
        counts = Counter(test.outcome for test in self.tests)
        head = ", ".join(f"{count} {name}" for name, count in counts.most_common())
        rows = [head or "no tests ran"]
        if self.trouble:
            rows.append(self.trouble)
        for test in self.failed[:SHOWN]:
            rows.append(f"\n{test.outcome.upper()} {test.id}\n{test.detail[-MAX_DETAIL // 2 :]}")
        if len(self.failed) > SHOWN:
            rows.append(f"\n… and {len(self.failed) - SHOWN} more")
        return "\n".join(rows)


class _Test(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    outcome: Outcome
    seconds: float = Field(ge=0, allow_inf_nan=False)
    detail: str = Field(max_length=MAX_DETAIL)


class _Report(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    code: int
    tests: dict[str, _Test]


async def run_tests(store: Store, tree: str, sandbox: Sandbox, arguments: Sequence[str]) -> TestRun:
    """Run the tests of a tree in a sandbox. See `Workspace.run_tests`."""
    job = json.dumps({"arguments": list(arguments), "detail": MAX_DETAIL})
    files: dict[str, bytes | str] = {"workspace.tar.gz": packed(store, tree), "job.json": job}
    result = await sandbox.run(INSIDE.read_text(), files=files, collect=["report.json"])
    return judged(result)


def judged(result: Result) -> TestRun:
    """The tests of a run, believed only as far as the run allows."""
    if not result.ok:
        said = result.error or result.stderr[-MAX_DETAIL:]
        trouble = f"the run did not come to its end ({result.status}): {said}"
        if result.error_type == "ModuleNotFoundError" and "'pytest'" in result.error:
            trouble = "the sandbox has no pytest: PythonSandbox(packages=['pytest', …])"
        return TestRun((), result, trouble)
    try:
        report = _Report.model_validate_json(result.files["report.json"])
    except (KeyError, ValidationError):
        return TestRun((), result, "the run left no readable report")
    tests = tuple(
        TestOutcome(id, test.outcome, test.seconds, test.detail)
        for id, test in report.tests.items()
    )
    failed = any(test.outcome in ("failed", "error") for test in tests)
    if report.code == 5 and not tests:
        return TestRun((), result, "pytest found no tests")
    if report.code not in (0, 1) or (report.code == 1) != failed:
        said = (result.stdout + result.stderr)[-MAX_DETAIL:].strip()
        return TestRun(tests, result, f"pytest ended with code {report.code}:\n{said}")
    return TestRun(tests, result)
