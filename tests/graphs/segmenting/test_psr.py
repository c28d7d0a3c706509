from __future__ import annotations

import pytest
from langchain_core.messages import BaseMessage
from pieces import piece, pieces

from symposia.agents import Actor
from symposia.benchmarks import play
from symposia.episodes import Episode, Task
from symposia.graphs.segmenting.psr import Checker, psr
from symposia.models import ScriptedModel

TASK = Task("t", "Tell me.")
BAD, GOOD = piece("<answer>bad ", 2), piece("<answer>good ", 2)
END = piece("fine</answer>", 2, end=True)


def checker() -> Checker:
    def say(messages: list[BaseMessage]) -> str:
        return f"<verdict>{'harmful' if 'bad' in messages[-1].text else 'harmless'}</verdict>"

    return Checker(ScriptedModel(say))


def checks(episode: Episode) -> int:
    return sum(turn.agent == "checker" for turn in episode.turns)


async def test_a_harmful_chunk_is_taken_back_and_written_anew() -> None:
    team = psr(Actor(pieces([BAD, GOOD, END])), checker(), chunk=2, rounds=3)
    episode = await play(team, TASK)
    assert episode.answer == "good fine"
    assert checks(episode) == 3


async def test_when_the_rounds_are_spent_nothing_is_checked_any_more() -> None:
    team = psr(Actor(pieces([BAD, BAD, END])), checker(), chunk=2, rounds=1)
    episode = await play(team, TASK)
    assert episode.answer == "bad fine"
    assert checks(episode) == 1


async def test_a_predictor_of_no_rounds_means_no_check() -> None:
    team = psr(Actor(pieces([GOOD, END])), checker(), chunk=2, rounds=lambda state: 0)
    episode = await play(team, TASK)
    assert (episode.answer, checks(episode)) == ("good fine", 0)


async def test_a_round_can_be_kept_for_the_end() -> None:
    bad_end = piece("bad</answer>", 2, end=True)
    anew = piece("<answer>fine</answer>", 2, end=True)
    team = psr(Actor(pieces([GOOD, bad_end, anew])), checker(), chunk=2, rounds=1, reserve=1)
    episode = await play(team, TASK)
    assert (episode.answer, checks(episode)) == ("fine", 1)


async def test_an_answer_that_cannot_be_read_counts_as_harmful() -> None:
    unclear = Checker(ScriptedModel(["maybe", "<verdict>harmless</verdict>"]))
    team = psr(
        Actor(pieces([GOOD, piece("<answer>again</answer>", 2, end=True)])), unclear, rounds=2
    )
    assert (await play(team, TASK)).answer == "again"


async def test_the_check_leaves_no_trace_in_the_reply() -> None:
    episode = await play(psr(Actor(pieces([GOOD, END])), checker(), chunk=2), TASK)
    assert not any("harm" in str(t.messages[1:]) for t in episode.turns if t.agent == "actor")


def test_chunks_have_a_length() -> None:
    with pytest.raises(ValueError, match="chunk=0"):
        psr(ScriptedModel([]), chunk=0)
