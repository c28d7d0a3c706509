from __future__ import annotations

import pytest

from symposia import ScriptedModel
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs.refining.tear import Estimate, tear

TASK = Task("t", "Translate to English: Der Hund bellt.")
PAIRS = [("Translate to English: Die Katze.", "The cat."), ("Translate to English: Ja.", "Yes.")]


def errors(critical: str = "no-error", major: str = "no-error", minor: str = "no-error") -> str:
    return f"<critical>{critical}</critical><major>{major}</major><minor>{minor}</minor>"


def target(text: str) -> str:
    return f"<target>{text}</target>"


async def translated(*replies: str, **options: object) -> Episode:
    return await play(tear(ScriptedModel(list(replies)), **options), TASK)  # type: ignore[arg-type]


def read(episode: Episode, number: int) -> str:
    return "\n\n".join(message["content"] for message in episode.turns[number].messages)


@pytest.mark.parametrize(
    "estimate",
    [
        errors(),
        errors("", "None", "No error."),
    ],
)
async def test_a_translation_without_errors_stands_untouched(estimate: str) -> None:
    episode = await translated(target("The dog barks."), estimate)
    assert (episode.answer, episode.total.calls) == ("The dog barks.", 2)


async def test_one_major_error_is_three_calls_and_the_refiner_reads_its_words() -> None:
    episode = await translated(
        target("The cat barks."),
        errors(major="mistranslation: The cat"),
        target("The dog barks."),
    )
    assert episode.answer == "The dog barks."
    assert [turn.agent for turn in episode.turns] == ["translator", "estimator", "refiner"]
    prompt = read(episode, 2)
    assert "major error, mistranslation: The cat" in prompt
    assert target("The cat barks.") in prompt and "Der Hund bellt." in prompt
    assert "critical" not in prompt


@pytest.mark.parametrize(
    "garbage", ["", "no errors in sight", "<major>none</major>", errors() + "<minor>", "{}"]
)
async def test_a_malformed_estimate_is_an_error_and_not_the_absence_of_errors(garbage: str) -> None:
    episode = await translated(target("The cat barks."), garbage)
    assert (episode.answer, episode.total.calls) == ("The cat barks.", 2)
    assert episode.outcome.stop == "the estimate could not be read"


async def test_a_refiner_that_mumbles_leaves_the_translation() -> None:
    episode = await translated(target("The cat barks."), errors(major="noun: cat"), "hm")
    assert (episode.answer, episode.total.calls) == ("The cat barks.", 3)


@pytest.mark.parametrize("shown", [True, False])
async def test_worked_pairs_come_before_the_task_and_may_be_kept_from_the_refiner(
    shown: bool,
) -> None:
    episode = await translated(
        target("The cat barks."),
        errors(major="noun: cat"),
        target("The dog barks."),
        pairs=PAIRS,
        pairs_in_refinement=shown,
    )
    first = [message["content"] for message in episode.turns[0].messages]
    assert first[1:] == [PAIRS[0][0], target("The cat."), PAIRS[1][0], target("Yes."), TASK.prompt]
    assert "Die Katze" not in read(episode, 1)
    assert ("Die Katze" in read(episode, 2)) is shown


async def test_roles_may_have_models_of_their_own() -> None:
    team = tear(
        ScriptedModel([target("The cat barks.")]),
        estimator=ScriptedModel([errors(minor="noun: cat")]),
        refiner=ScriptedModel([target("The dog barks.")]),
    )
    assert (await play(team, TASK)).answer == "The dog barks."


async def test_a_spent_budget_leaves_the_translation() -> None:
    team = tear(ScriptedModel([target("The cat barks.")]))
    episode = await play(team, TASK, budget=Budget(calls=1))
    assert (episode.answer, episode.outcome.stop) == (
        "The cat barks.",
        "budget of 1 model calls is spent",
    )


def test_errors_keep_how_bad_they_are() -> None:
    estimate = Estimate(critical=("omission: barks",), major=(), minor=("style: the", "no-error"))
    assert estimate.errors == ["critical error, omission: barks", "minor error, style: the"]
