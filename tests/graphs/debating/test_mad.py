from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from symposia import ScriptedModel
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs.debating.mad import mad

TASK = Task("t", "How many legs has a spider?")


def says(answer: object) -> str:
    return f"<reasoning>I say so</reasoning><answer>{answer}</answer>"


def rules(answer: str = "", preference: str = "No") -> str:
    return f"<preference>{preference}</preference><debate_answer>{answer}</debate_answer>"


def team(sides: list[str], rulings: list[str], judge: Any = (), **options: Any) -> Any:
    return mad(
        ScriptedModel(sides[::2]),
        negative=ScriptedModel(sides[1::2]),
        moderator=ScriptedModel(rulings),
        judge=ScriptedModel(list(judge)),
        **options,
    )


def read(episode: Episode, number: int) -> str:
    return "\n\n".join(message["content"] for message in episode.turns[number].messages)


SIX = [says(f"leg-{number}") for number in range(6)]


async def test_an_answer_of_the_moderator_in_round_two_ends_after_six_calls() -> None:
    episode = await play(team(SIX[:4], [rules(), rules("eight")]), TASK)
    assert episode.answer == "eight"
    assert [t.agent for t in episode.turns] == ["affirmative", "negative", "moderator"] * 2


async def test_without_a_decision_a_judge_who_read_round_one_only_ends_it_with_eleven_calls() -> (
    None
):
    judge = ["<answers>leg-0</answers><answers>leg-1</answers>", says("leg-1")]
    episode = await play(team(SIX, [rules()] * 3, judge), TASK)
    assert (episode.answer, episode.total.calls) == ("leg-1", 11)
    assert [turn.agent for turn in episode.turns[-2:]] == ["judge"] * 2
    for number in (9, 10):
        prompt = read(episode, number)
        assert "leg-0" in prompt and "leg-1" in prompt
        assert not any(f"leg-{later}" in prompt for later in range(2, 6))
    assert episode.turns[10].messages[-2]["content"] == judge[0]


async def test_one_model_can_play_every_role() -> None:
    def reply(messages: list[BaseMessage]) -> str:
        system = messages[0].text
        if "debate_answer" in system:
            return rules()
        return "<answers>8</answers>" if "<answers>" in system else says(8)

    episode = await play(mad(ScriptedModel(reply)), TASK)
    assert (episode.answer, episode.total.calls) == ("8", 11)


async def test_each_side_remembers_its_own_words_and_answers_the_others_last() -> None:
    episode = await play(team(SIX, [rules()] * 3, ["<answers>8</answers>", says(8)]), TASK)
    negative = read(episode, 1)
    assert "disagree" in negative and "leg-0" in negative
    third = [t for t in episode.turns if t.agent == "affirmative"][2].messages[2:]
    assert [message["role"] for message in third] == ["assistant", "user"] * 2
    assert third[0]["content"] == SIX[0]
    assert "leg-3" in third[3]["content"] and "Do you agree" in third[3]["content"]


async def test_the_moderator_reads_both_sides_of_every_round() -> None:
    episode = await play(team(SIX[:4], [rules(), rules("eight")]), TASK)
    first, second = read(episode, 2), read(episode, 5)
    assert "leg-0" in first and "leg-1" in first
    assert all(f"leg-{number}" in second for number in range(4))


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "It is eight.",
        '{"preference": "Yes"',
        rules("a") + rules("b"),
        rules("", "Yes"),
        "<" * 9**5,
    ],
)
async def test_a_moderator_that_cannot_be_read_or_prefers_a_side_only_decides_nothing(
    garbage: str,
) -> None:
    judge = ["<answers>leg-0</answers>", says("leg-0")]
    episode = await play(team(SIX, [garbage] * 3, judge), TASK)
    assert (episode.answer, episode.total.calls) == ("leg-0", 11)


async def test_rulings_may_be_json() -> None:
    ruling = '{"preference": "Yes", "reason": "clear", "debate_answer": "eight"}'
    sides = ['{"answer": "8"}', '{"answer": "6"}']
    episode = await play(team(sides, [ruling], format="json"), TASK)
    assert (episode.answer, episode.total.calls) == ("eight", 3)


async def test_a_judge_that_mumbles_leaves_it_to_the_last_words() -> None:
    episode = await play(team(SIX, [rules()] * 3, ["hm", "hm"]), TASK)
    assert (episode.answer, episode.total.calls) == ("leg-4", 11)


@pytest.mark.parametrize(("calls", "answer"), [(1, "leg-0"), (5, "leg-2"), (9, "leg-4")])
async def test_a_spent_budget_leaves_what_was_said_last(calls: int, answer: str) -> None:
    episode = await play(team(SIX, [rules()] * 3, ["hm"] * 2), TASK, budget=Budget(calls=calls))
    assert (episode.answer, episode.total.calls) == (answer, calls)
    assert "is spent" in episode.outcome.stop
