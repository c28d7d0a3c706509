"""Round robin: who is compared with whom, and what is left for training."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from symposia import Actor, ScriptedModel
from symposia.agents import Ranker
from symposia.benchmarks.rollout import play
from symposia.episodes import Task
from symposia.graphs.round_robin import round_robin

TASK = Task("sum", "What is 3 plus 4?")


def actor(*answers: str) -> Actor:
    return Actor(ScriptedModel([f"<answer>{each}</answer>" if each else "hm" for each in answers]))


def rater(judge: Any) -> Ranker:
    """A ranker whose winner is what `judge` says of the two answers."""

    def reply(messages: list[BaseMessage]) -> str:
        first, second = (
            part.split("</answer>")[0] for part in messages[-1].text.split("<answer>")[1:]
        )
        winner = judge(int(first), int(second))
        if winner is None:
            return "I cannot say."
        return f"<decision>accept</decision><winner>{winner}</winner>"

    return Ranker(ScriptedModel(reply))


async def test_every_pair_is_read_in_both_orders() -> None:
    larger = rater(lambda first, second: int(second > first))
    episode = await play(round_robin(actor("5", "9", "7"), larger, 3), TASK)
    assert episode.findings["preferences"] == [[0.5, 0, 0], [1, 0.5, 1], [1, 0, 0.5]]
    assert episode.answer == "9"
    assert sum(turn.agent == "ranker" or turn.node == "rate" for turn in episode.turns) == 6


async def test_a_verdict_that_cannot_be_read_is_a_tie() -> None:
    episode = await play(round_robin(actor("5", "9"), rater(lambda *pair: None), 2), TASK)
    assert episode.findings["preferences"] == [[0.5, 0.5], [0.5, 0.5]]
    assert episode.answer == "5"


async def test_an_unreadable_answer_loses_without_being_shown() -> None:
    first = rater(lambda first, second: 0)
    episode = await play(round_robin(actor("", "9", "7"), first, 3), TASK)
    table = episode.findings["preferences"]
    assert (table[0], table[1][0], table[2][0]) == ([0.5, 0, 0], 1, 1)
    assert episode.answer == "9"
    assert len(episode.turns) == 3 + 2


async def test_where_nothing_can_be_read_nothing_is_compared() -> None:
    episode = await play(round_robin(actor("", ""), rater(lambda *pair: 0), 2), TASK)
    assert episode.findings["preferences"] == [[0.5, 0.5], [0.5, 0.5]]
    assert (episode.answer, len(episode.turns)) == ("", 2)


def test_there_have_to_be_two_answers() -> None:
    with pytest.raises(ValueError, match="n=1"):
        round_robin(actor("7"), rater(lambda *pair: 0), 1)
