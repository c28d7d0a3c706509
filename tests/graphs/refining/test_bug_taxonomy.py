from __future__ import annotations

from collections.abc import Sequence

import pytest

from symposia import ScriptedModel
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs.refining.bug_taxonomy import Bug, bug_of, bug_taxonomy
from symposia.tools import PythonSandbox
from symposia.tools.sandbox import Mistake, Result, Status, TestReport, TestResult

TASK = Task("t", "Write add(a, b).", data={"tests": ["assert add(1, 2) == 3"]}, reference="hidden")
PROGRAM = "<code>def add(a, b):\n    return {}</code>"
NAMES = (
    "<cause>it is misspelt</cause><location>line 2</location>"
    "<bug>runtime: missing definition</bug><fix_plan>write a</fix_plan>"
)


class Executor:
    """Runs nothing; programs end as the script says."""

    def __init__(self, *ends: Result) -> None:
        self.left = list(ends)
        self.runs = 0

    async def __call__(self, code: str, tests: Sequence[str]) -> TestReport:
        self.runs += 1
        return TestReport((TestResult("test 1", self.left.pop(0)),), "scripted")


LOST = Result(
    Status.ERROR, "s", error_type="NameError", error="name 'c' is not", mistake=Mistake.NAME
)
FINE = Result(Status.OK, "s")


def read(episode: Episode, number: int) -> str:
    return "\n\n".join(message["content"] for message in episode.turns[number].messages)


async def test_a_program_mended_at_the_second_repair_ran_three_times() -> None:
    run = Executor(LOST, LOST, FINE)
    replies = [PROGRAM.format("c"), NAMES, PROGRAM.format("d"), NAMES, PROGRAM.format("a + b")]
    episode = await play(bug_taxonomy(ScriptedModel(replies), run=run), TASK)
    assert episode.answer.endswith("return a + b")
    assert (episode.total.calls, run.runs) == (5, 3)
    assert [turn.agent for turn in episode.turns] == ["coder", "diagnostician"] * 2 + ["coder"]


async def test_the_coder_reads_the_kind_of_bug_its_place_the_plan_and_the_error() -> None:
    replies = [PROGRAM.format("c"), NAMES, PROGRAM.format("a + b")]
    episode = await play(bug_taxonomy(ScriptedModel(replies), run=Executor(LOST, FINE)), TASK)
    diagnosis, repair = read(episode, 1), read(episode, 2)
    assert "This is a runtime bug." in diagnosis and "runtime: missing definition" in diagnosis
    assert "runtime: missing definition (line 2). it is misspelt" in repair
    assert "write a" in repair and "NameError: name 'c' is not" in repair


async def test_a_program_that_passes_needs_no_critic() -> None:
    team = bug_taxonomy(ScriptedModel([PROGRAM.format("a + b")]), run=Executor(FINE))
    assert (await play(team, TASK)).total.calls == 1


async def test_after_two_repairs_the_last_program_stands_without_another_diagnosis() -> None:
    run = Executor(LOST, LOST, LOST)
    replies = [PROGRAM.format(1), NAMES, PROGRAM.format(2), NAMES, PROGRAM.format(3)]
    episode = await play(bug_taxonomy(ScriptedModel(replies), run=run), TASK)
    assert (episode.answer[-1], episode.total.calls, run.runs) == ("3", 5, 3)


@pytest.mark.parametrize("garbage", ["hm", NAMES.replace("runtime: missing definition", "typo")])
async def test_a_diagnosis_that_cannot_be_read_leaves_what_the_error_shows(garbage: str) -> None:
    replies = [PROGRAM.format("c"), garbage, PROGRAM.format("a + b")]
    episode = await play(bug_taxonomy(ScriptedModel(replies), run=Executor(LOST, FINE)), TASK)
    assert "runtime: missing definition" in read(episode, 2)
    assert "typo" not in read(episode, 2)


async def test_a_critic_who_contradicts_the_error_is_not_heard() -> None:
    wrong = NAMES.replace("runtime: missing definition", "syntax: import error")
    replies = [PROGRAM.format("c"), wrong, PROGRAM.format("a + b")]
    episode = await play(bug_taxonomy(ScriptedModel(replies), run=Executor(LOST, FINE)), TASK)
    assert "import error" not in read(episode, 2)


async def test_a_spent_budget_leaves_the_program() -> None:
    team = bug_taxonomy(ScriptedModel([PROGRAM.format("c")]), run=Executor(LOST))
    episode = await play(team, TASK, budget=Budget(calls=1))
    assert episode.answer.endswith("return c")
    assert "is spent" in episode.outcome.stop


@pytest.mark.parametrize(
    ("code", "test", "bug"),
    [
        ("def f(x):\n    return y", "assert f(1) == 1", Bug.DEFINITION),
        ("def f(x):\nreturn x", "assert f(1) == 1", Bug.INDENTATION),
        ("def f(x:\n    return x", "assert f(1) == 1", Bug.STRUCTURE),
        ("import no_such_module", "assert f(1) == 1", Bug.IMPORT),
        ("def f(x):\n    return x.upper()", "assert f(1) == 1", Bug.API),
        ("def f(x):\n    return [][x]", "assert f(1) == 1", Bug.BOUNDARY),
        ("def f(x):\n    return 2", "assert f(1) == 1", Bug.LOGIC),
        ("def f(x):\n    raise OSError", "assert f(1) == 1", Bug.RUNTIME),
    ],
)
async def test_the_class_of_a_bug_follows_from_how_the_code_ended(
    code: str, test: str, bug: Bug
) -> None:
    async with PythonSandbox(workers=1) as box:
        report = await box.run_tests(code, [test])
    assert bug_of(report.tests[0].result) is bug


def test_wrong_output_of_a_program_that_ran_to_its_end_is_functional() -> None:
    assert bug_of(Result(Status.OK, "s", stdout="4")).family == "functional"
