from __future__ import annotations

import pytest
from langchain_core.messages import BaseMessage

from symposia import Actor, Budget, ScriptedModel, Task, load_model, play
from symposia.graphs import again

TASK = Task("t", "Ada has 4 coins. Ben gives Ada 3 more. How many coins are there now?")


async def test_the_second_attempt_reads_the_first_and_one_line() -> None:
    read: list[list[BaseMessage]] = []

    def reply(messages: list[BaseMessage]) -> str:
        read.append(messages)
        return "Let me see. <answer>5</answer>" if len(read) == 1 else "<answer>7</answer>"

    episode = await play(again(Actor(ScriptedModel(reply)), line="Look again."), TASK)
    assert (episode.answer, episode.total.calls) == ("7", 2)
    assert [message.text for message in read[1][2:]] == [
        "Let me see. <answer>5</answer>",
        "Look again.",
    ]


async def test_the_last_readable_answer_stands() -> None:
    said = ScriptedModel(["<answer>5</answer>", "<answer>6</answer>", "hm"])
    assert (await play(again(Actor(said), attempts=3), TASK)).answer == "6"
    assert (await play(again(Actor(ScriptedModel(["hm", "hm"]))), TASK)).answer == "hm"


async def test_a_spent_budget_ends_it() -> None:
    said = ScriptedModel(["<answer>5</answer>"])
    episode = await play(again(Actor(said)), TASK, budget=Budget(calls=1))
    assert (episode.answer, episode.total.calls) == ("5", 1)


async def test_a_prompt_goes_on_from_the_tokens_before() -> None:
    episode = await play(again(Actor(load_model("tiny", temperature=0.0))), TASK)
    first, second = (turn.tokens for turn in episode.turns)
    assert first and second
    ids = first.prompt_ids + first.completion_ids
    assert second.prompt_ids[: len(ids)] == ids


def test_no_attempt_is_refused() -> None:
    with pytest.raises(ValueError, match="attempts=0"):
        again(Actor(ScriptedModel([])), attempts=0)
