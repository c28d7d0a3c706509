from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from symposia import ScriptedModel
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs.programs import telling
from symposia.graphs.refining.self_debug import self_debug
from symposia.tools import PythonSandbox
from symposia.tools.sandbox import Result, Status, TestReport, TestResult, UnavailableError

TESTS = ["assert add(1, 2) == 3"]
HIDDEN = "assert add(40, 2) == 42"
TASK = Task("t", "Write add(a, b).", data={"tests": TESTS}, reference=HIDDEN)
READING = "<reasoning>Line 1 subtracts</reasoning><verdict>{}</verdict><suggestion>add</suggestion>"


def program(number: int) -> str:
    return f"<code>def add(a, b):\n    return {number}</code>"


def programs(count: int) -> list[str]:
    return [program(number) for number in range(count)]


class Executor:
    """Runs nothing; the tests pass, or not, as the script says."""

    def __init__(self, *passes: bool) -> None:
        self.left = list(passes)
        self.ran: list[tuple[str, Sequence[str]]] = []

    async def __call__(self, code: str, tests: Sequence[str]) -> TestReport:
        self.ran.append((code, tests))
        went = Result(Status.OK, "scripted") if self.left.pop(0) else FAILED
        return TestReport(tuple(TestResult(f"test {n}", went) for n, _ in enumerate(tests)), "s")


FAILED = Result(Status.ERROR, "scripted", error_type="AssertionError", error="it gave -1")


async def debugged(
    replies: list[str], feedback: Any, *passes: bool, task: Task = TASK, **options: Any
) -> tuple[Episode, Executor]:
    run = Executor(*passes)
    team = self_debug(ScriptedModel(replies), feedback, run=run, **options)
    return await play(team, task), run


def said(episode: Episode, number: int) -> str:
    return "\n\n".join(message["content"] for message in episode.turns[number].messages)


async def test_fail_fail_pass_is_three_programs_and_two_feedbacks() -> None:
    episode, run = await debugged(programs(3), "ut", False, False, True)
    assert [turn.agent for turn in episode.turns] == ["coder"] * 3
    assert episode.answer == "def add(a, b):\n    return 2"
    assert [code for code, _ in run.ran] == [f"def add(a, b):\n    return {n}" for n in range(3)]
    last = said(episode, 2)
    assert last.count("AssertionError: it gave -1") == 2
    assert last.count("A critic reviewed your reply") == 2
    assert "return 0" in last and "return 1" in last, "it reads all its programs"


@pytest.mark.parametrize(("feedback", "calls"), [("ut", 11), ("simple", 11), ("ut+expl", 21)])
async def test_a_program_that_never_passes_is_debugged_ten_times(feedback: Any, calls: int) -> None:
    number = iter(range(99))

    def reply(messages: list[Any]) -> str:
        return (
            READING.format("incorrect") if "verdict" in messages[0].text else program(next(number))
        )

    run = Executor(*[False] * 10)
    episode = await play(self_debug(ScriptedModel(reply), feedback, run=run), TASK)
    assert episode.total.calls == calls
    assert len(run.ran) == 10
    assert episode.answer.endswith("return 10")


async def test_simple_feedback_tells_no_more_than_that_it_is_wrong() -> None:
    episode, _ = await debugged(programs(2), "simple", False, True)
    assert "<verdict>incorrect</verdict>" in said(episode, 1)
    assert "it gave" not in said(episode, 1)


async def test_tests_decide_and_the_reader_explains_those_that_fail() -> None:
    replies = [program(0), READING.format("correct"), program(1)]
    episode, _ = await debugged(replies, "ut+expl", False, True)
    assert [turn.agent for turn in episode.turns] == ["coder", "reader", "coder"]
    assert "it gave -1" in said(episode, 1)
    revision = said(episode, 2)
    assert "Line 1 subtracts" in revision and "it gave -1" in revision
    assert "<verdict>incorrect</verdict>" in revision


@pytest.mark.parametrize("feedback", ["expl", "trace"])
async def test_without_tests_the_model_itself_decides_and_nothing_is_run(feedback: Any) -> None:
    replies = [program(0), READING.format("incorrect"), program(1), READING.format("correct")]
    episode, run = await debugged(replies, feedback, task=Task("t", "Write add(a, b)."))
    assert (episode.total.calls, run.ran) == (4, [])
    assert episode.answer.endswith("return 1")
    assert "by hand" in said(episode, 1) or feedback == "expl"


async def test_an_unreadable_reading_leaves_what_the_tests_said() -> None:
    episode, _ = await debugged([program(0), "hm", program(1)], "ut+trace", False, True)
    assert "it gave -1" in said(episode, 2)


async def test_hidden_tests_are_never_seen_or_run() -> None:
    episode, run = await debugged(programs(2), "ut", False, True)
    assert HIDDEN not in said(episode, 0) + said(episode, 1)
    assert all(HIDDEN not in " ".join(tests) for _, tests in run.ran)


async def test_a_task_without_visible_tests_needs_another_feedback() -> None:
    episode, _ = await debugged(programs(1), "ut", task=Task("t", "Write add(a, b)."))
    assert "there are none: choose one that needs no tests" in episode.outcome.error


async def test_a_spent_budget_leaves_the_last_program() -> None:
    team = self_debug(ScriptedModel([program(0)]), "ut+expl", run=Executor(False))
    episode = await play(team, TASK, budget=Budget(calls=1))
    assert episode.answer.endswith("return 0")
    assert episode.outcome.stop == "budget of 1 model calls is spent"


async def test_a_sandbox_that_is_not_there_is_no_fault_of_the_program() -> None:
    async def run(code: str, tests: Sequence[str]) -> TestReport:
        gone = Result(Status.UNAVAILABLE, "none", error="no worker")
        return TestReport(tuple(TestResult(test, gone) for test in tests), "none")

    team = self_debug(ScriptedModel(programs(1)), "ut", run=run)
    with pytest.raises(UnavailableError, match="no worker"):
        await team.ainvoke({"task": TASK, "messages": []})


async def test_programs_run_in_the_sandbox_and_what_they_gave_is_told() -> None:
    replies = [
        "<code>```python\ndef add(a, b):\n    return a - b\n```</code>",
        "<code>def add(a, b) return a + b</code>",
        "<code>def add(a, b):\n    return a + b</code>",
    ]
    async with PythonSandbox(workers=1) as box:
        team = self_debug(ScriptedModel(replies), "ut", run=box.run_tests)
        episode = await play(team, TASK)
    assert episode.answer == "def add(a, b):\n    return a + b"
    assert "assert add(1, 2) == 3\nAssertionError: it gave -1" in said(episode, 1)
    assert "SyntaxError" in said(episode, 2)


@pytest.mark.parametrize(
    ("test", "told"),
    [
        (
            "assert f(1) == 2",
            '__observed = f(1)\nassert __observed == 2, f"it gave {__observed!r}"',
        ),
        (
            "x = 3\nassert f(x) < x, 'no'",
            'x = 3\n__observed = f(x)\nassert __observed < x, f"it gave {__observed!r}"',
        ),
        ("assert 2 == f(1)", "assert 2 == f(1)"),
        ("assert f(2) in f(1)", "assert f(2) in f(1)"),
        ("assert f(1)", "assert f(1)"),
        ("f(1", "f(1"),
        ("", ""),
    ],
)
def test_a_test_that_compares_tells_what_was_given(test: str, told: str) -> None:
    assert telling(test) == told


def test_unknown_feedback_is_refused() -> None:
    with pytest.raises(ValueError, match="feedback='praise': choose simple, ut, expl"):
        self_debug(ScriptedModel([]), "praise")  # type: ignore[arg-type]
