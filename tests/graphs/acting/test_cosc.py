from __future__ import annotations

import pytest
from sandboxes import local_backends

from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs.acting import cosc
from symposia.graphs.acting.cosc import Link
from symposia.graphs.programs import printed
from symposia.models import ScriptedModel

TASK = Task("t", "How many are 5 - 2?")


def program(code: str) -> str:
    return f"<code>{code}</code>"


def verification(conclusion: str, answer: str = "") -> str:
    checked = "<program_check>It subtracts.</program_check><output_check>Hm.</output_check>"
    return f"{checked}<conclusion>{conclusion}</conclusion><answer>{answer}</answer>"


async def fake(code: str) -> str:
    return "-3" if "2 - 5" in code else "3"


ROUNDS = [
    program("print(2 - 5)"),
    verification("revise"),
    program("print(5 - 2)"),
    verification("answer", "3"),
]


async def run(replies: list[str], **options: int) -> Episode:
    return await play(cosc(ScriptedModel(replies), execute=fake, **options), TASK)


async def test_a_rejected_program_is_written_anew_with_all_before_in_sight() -> None:
    episode = await run(ROUNDS)
    assert (episode.answer, episode.total.calls) == ("3", 4)
    history = str(episode.turns[2].messages)
    assert "print(2 - 5)" in history
    assert "The program printed:\\n-3" in history
    assert "Hm." in history
    assert "Write a Python program" not in str(episode.turns[2].messages[1:])


async def test_one_round_only_gives_what_the_first_program_printed() -> None:
    assert (await run(ROUNDS[:2], rounds=1)).answer == "-3"


async def test_rounds_are_limited() -> None:
    episode = await run(ROUNDS[:2] * 5)
    assert (episode.answer, episode.total.calls) == ("-3", 6)


async def test_a_verification_that_cannot_be_read_concludes_nothing() -> None:
    episode = await run([ROUNDS[2], "fine!", *ROUNDS[2:]])
    assert (episode.answer, episode.total.calls) == ("3", 4)
    assert Link(code="x", output="3\n").value == "3"


async def test_a_spent_budget_leaves_what_was_printed() -> None:
    episode = await play(cosc(ScriptedModel(ROUNDS), execute=fake), TASK, budget=Budget(calls=1))
    assert episode.answer == "-3"
    assert episode.outcome.stop == "budget of 1 model calls is spent"


@pytest.mark.skipif(len(local_backends()) < 2, reason="no isolation here")
async def test_programs_run_in_the_sandbox() -> None:
    assert (await printed("print(5 - 2)")).strip() == "3"
    assert "ZeroDivisionError" in await printed("1 / 0")


async def test_an_answer_in_a_call_for_revision_is_no_conclusion() -> None:
    assert (await run([ROUNDS[0], verification("revise", "7")], rounds=1)).answer == "-3"
