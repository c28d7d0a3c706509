from __future__ import annotations

import pytest

from symposia import ScriptedModel
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs.refining.heart import CUES, NEUTRAL, heart

TASK = Task("t", "6 * 7?")


def right(task: Task, answer: str) -> bool:
    return answer == "42"


def says(*answers: object) -> ScriptedModel:
    return ScriptedModel([f"<answer>{answer}</answer>" for answer in answers])


def read(episode: Episode, number: int) -> str:
    return "\n\n".join(message["content"] for message in episode.turns[number].messages)


def moods(text: str) -> list[str]:
    return [name for name, phrase in CUES.items() if phrase in text]


async def test_with_an_oracle_it_ends_when_the_answer_is_right() -> None:
    team = heart(says(40, 41, 42), right)
    episode = await play(team, TASK)
    assert (episode.answer, episode.total.calls) == ("42", 3)
    assert [moods(read(episode, number)) for number in range(3)] == [[], ["joy"], ["sadness"]]
    assert "<answer>41</answer>" in read(episode, 2)
    assert "<answer>40</answer>" not in read(episode, 2)
    assert team.name == "oracle_heart"


async def test_without_one_all_moods_are_gone_through_and_one_answer_is_written_out_of_all() -> (
    None
):
    episode = await play(heart(says(40, 41, 42, 43, 44, 45, 46, 42)), TASK)
    assert (episode.answer, episode.total.calls) == ("42", 8)
    assert [turn.agent for turn in episode.turns] == ["solver"] * 7 + ["synthesiser"]
    seen = [moods(read(episode, number)) for number in range(1, 7)]
    assert seen == [[name] for name in CUES]
    last = read(episode, 7)
    assert all(f"> <answer>{answer}</answer>" in last for answer in range(40, 47))


@pytest.mark.parametrize("oracle", [None, right])
async def test_neutral_cues_cost_as_many_calls(oracle: object) -> None:
    answers = (40, 41, 43, 44, 45, 46, 47, 42)
    counts = []
    for cues in (CUES, NEUTRAL):
        episode = await play(heart(says(*answers), oracle, cues=cues), TASK)  # type: ignore[arg-type]
        counts.append(episode.total.calls)
    assert counts == [8 if oracle is None else 7] * 2
    assert moods(read(episode, 3)) == []
    assert NEUTRAL["neutral"] in read(episode, 3)


async def test_a_synthesiser_that_mumbles_leaves_the_last_answer() -> None:
    model = ScriptedModel(["<answer>41</answer>", "<answer>42</answer>", "hm"])
    assert (await play(heart(model, rounds=1), TASK)).answer == "42"


@pytest.mark.parametrize(("calls", "answer"), [(1, "40"), (2, "41"), (3, "42")])
async def test_a_spent_budget_leaves_the_last_answer(calls: int, answer: str) -> None:
    team = heart(ScriptedModel([f"<answer>{n}</answer>" for n in (40, 41, 42)]), rounds=1)
    episode = await play(team, TASK, budget=Budget(calls=calls))
    assert episode.answer == answer
    assert ("is spent" in episode.outcome.stop) is (calls < 3)


def test_there_must_be_a_cue() -> None:
    with pytest.raises(ValueError, match="cues is empty"):
        heart(says(), cues={})
