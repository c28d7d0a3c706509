"""A repository's own tests, run in the sandbox and judged with suspicion."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from symposia.tools import Limits, PythonSandbox, Workspace
from symposia.tools.repository import TestRun
from symposia.tools.repository.testing import judged
from symposia.tools.sandbox import Result, Status, UnavailableError

TESTS = """
import pytest
from shop import net


def test_net():
    assert net(2) == 1


@pytest.mark.parametrize("x", [1, 2])
def test_values(x, tmp_path):
    (tmp_path / "a").write_text(str(x))


def test_skipped():
    pytest.skip("not here")


@pytest.mark.xfail
def test_expected():
    assert 0


@pytest.fixture
def broken():
    raise ValueError("no set-up")


class TestMore:
    def test_with_fixture(self, broken):
        pass
"""


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[PythonSandbox]:
    limits = Limits(seconds=60, cpu_seconds=60)
    box = PythonSandbox(packages=["pytest"], limits=limits, workers=1)
    try:
        await box.open()
    except UnavailableError as error:
        pytest.skip(f"no sandbox works here: {error}")
    yield box
    await box.close()


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    (tmp_path / "shop" / "tests").mkdir(parents=True)
    (tmp_path / "shop" / "shop.py").write_text("def net(x):\n    return x * 2\n")
    (tmp_path / "shop" / "tests" / "test_shop.py").write_text(TESTS)
    return Workspace.checkout(tmp_path / "shop")


async def test_each_test_has_its_outcome(shop: Workspace, sandbox: PythonSandbox) -> None:
    before = shop.snapshot()
    run = await shop.run_tests(sandbox)
    assert run.trouble == "" and not run.ok
    assert {test.id.partition("::")[2]: test.outcome for test in run.tests} == {
        "test_net": "failed",
        "test_values[1]": "passed",
        "test_values[2]": "passed",
        "test_skipped": "skipped",
        "test_expected": "xfailed",
        "TestMore::test_with_fixture": "error",
    }
    assert run.failed[0].id == "tests/test_shop.py::test_net"
    assert "assert 4 == 1" in run.failed[0].detail
    assert "ERROR tests/test_shop.py::TestMore::test_with_fixture\n" in str(run)
    assert shop.snapshot() == before


async def test_an_edit_is_seen_by_the_next_run(shop: Workspace, sandbox: PythonSandbox) -> None:
    shop.replace_symbol("shop.py", "net", "def net(x):\n    return x / 2")
    run = await shop.run_tests(sandbox, ["tests/test_shop.py::test_net"])
    assert run.ok and run.passed == {"tests/test_shop.py::test_net"}


async def test_an_agent_runs_tests_by_a_tool(
    shop: Workspace, sandbox: PythonSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "run_tests" not in {tool.name for tool in shop.tools()}
    [tool] = [tool for tool in shop.tools(sandbox) if tool.name == "run_tests"]
    call = {
        "type": "tool_call",
        "id": "1",
        "name": "run_tests",
        "args": {"arguments": ["-k", "net"]},
    }
    answer = await tool.ainvoke(call)
    assert isinstance(answer.artifact, TestRun) and answer.content.startswith("1 failed")
    monkeypatch.setattr("symposia.tools.sandbox.files.BYTES", 10)
    answer = await tool.ainvoke(call)
    assert answer.status == "error" and "at most" in answer.content


@pytest.mark.parametrize(
    ("test", "trouble"),
    [
        ("import os\ndef test(): os._exit(0)", "did not come to its end"),
        ("import nothing_there", "pytest ended with code 2"),
        ("def test(:", "pytest ended with code 2"),
        ("x = 1", "pytest found no tests"),
        ("import pytest\ndef test(): pytest.exit('enough', 0)", "no readable report|no tests"),
        ("import os\ndef test(): os.remove('../job.json'); os.mkdir('../report.json')", "its end"),
        ("def test(): x = 'a' * 10**10", "failed"),
    ],
)
async def test_a_run_that_goes_astray_is_never_a_success(
    shop: Workspace, sandbox: PythonSandbox, test: str, trouble: str
) -> None:
    shop.create("test_astray.py", test)
    run = await shop.run_tests(sandbox, ["test_astray.py"])
    assert not run.ok and run.passed == frozenset()
    assert any(word in str(run) for word in trouble.split("|"))


async def test_a_sandbox_without_pytest_says_so(shop: Workspace, sandbox: PythonSandbox) -> None:
    async with PythonSandbox(workers=1) as bare:
        run = await shop.run_tests(bare)
    assert not run.ok and "packages=['pytest'" in run.trouble


PASSED = {"outcome": "passed", "seconds": 0.1, "detail": ""}
FAILED = {**PASSED, "outcome": "failed"}


def reported(report: object, status: Status = Status.OK) -> TestRun:
    data = report if isinstance(report, bytes) else json.dumps(report).encode()
    return judged(Result(status, "native", files={"report.json": data}))


def test_a_report_is_believed_only_whole() -> None:
    assert reported({"code": 0, "tests": {"a": PASSED}}).ok
    assert not reported({"code": 0, "tests": {}}).ok
    for report in (
        b"",
        b"[]",
        b"\xff",
        {"code": 0},
        {"code": "0", "tests": {"a": PASSED}},
        {"code": 0, "tests": {"a": {**PASSED, "outcome": "perfect"}}},
        {"code": 0, "tests": {"a": {**PASSED, "seconds": "x"}}},
        {"code": 0, "tests": {"a": {**PASSED, "seconds": -1.0}}},
        {"code": 0, "tests": {"a": {**PASSED, "detail": "x" * 5000}}},
        {"code": 0, "tests": {"a": {**PASSED, "more": 1}}},
    ):
        run = reported(report)
        assert (run.tests, run.ok, run.trouble) == ((), False, "the run left no readable report")


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_a_good_report_of_a_bad_run_counts_for_nothing(status: Status) -> None:
    run = reported({"code": 0, "tests": {"a": PASSED}}, status)
    assert not run.ok and run.tests == () and str(status) in run.trouble


@pytest.mark.parametrize(
    ("code", "tests"), [(0, {"a": FAILED}), (1, {"a": PASSED}), (2, {"a": PASSED}), (99, {})]
)
def test_a_report_at_odds_with_pytests_own_code_is_no_success(code: int, tests: dict) -> None:
    run = reported({"code": code, "tests": tests})
    assert not run.ok and run.passed == frozenset() and "pytest ended with code" in run.trouble
