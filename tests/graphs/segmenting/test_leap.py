from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from pieces import piece

from symposia.benchmarks import play
from symposia.episodes import Task, Turn
from symposia.graphs.segment import Piece, Writing
from symposia.graphs.segmenting.leap import FORCED, chosen_peers, leap, summary
from symposia.models import ScriptedModel

TASK = Task("t", "2 + 2?")
PEERS = {1: "aaab", 2: "zzzz"}


@pytest.mark.parametrize(
    ("routing", "k", "heard"),
    [("dispersed", 1, [2]), ("clustered", 1, [1]), ("hybrid", 2, [2, 1]), ("all", 1, [1, 2])],
)
def test_peers_are_chosen_by_how_alike_they_are(routing: Any, k: int, heard: list[int]) -> None:
    assert list(chosen_peers("aaaa", PEERS, routing, k)) == heard


def test_a_summary_that_was_not_closed_is_read_all_the_same() -> None:
    writing = Writing(pieces=(Piece("<summary>old</summary> on <summary> new"),))
    assert summary(writing) == "new"


def last(turn: Turn) -> str:
    """The last message that the model read."""
    return str(turn.messages[-1]["content"])


def thinker(ends: set[int]) -> ScriptedModel:
    """Path n is told by the order of first calls; those in `ends` end at once."""
    started = [0]

    def say(messages: list[BaseMessage]) -> AIMessage:
        text = messages[-1].text if isinstance(messages[-1], AIMessage) else ""
        if not text:
            started[0] += 1
            path = started[0] - 1
            if path in ends:
                return piece("<answer>4</answer>", 3, end=True)
            return piece(f"<reasoning>I am {path}.\n\nUnfinished", 9)
        if text.endswith("<summary>"):
            return piece("so far 4", 3, stop="</summary>")
        if FORCED in text:
            return piece("</reasoning><answer>4</answer>", 3, end=True)
        return piece(" on and on", 9)

    return ScriptedModel(say)


async def test_a_path_that_has_ended_leaves_the_exchange() -> None:
    team = leap(thinker({2}), n=3, turns=2, tokens=9, routing="all")
    episode = await play(team, TASK)
    summaries = [turn for turn in episode.turns if last(turn).endswith("<summary>")]
    assert [turn.branch for turn in summaries] == ["0", "1"]
    told = [
        str(t.messages[-1]["content"]) for t in episode.turns if "<comments>" in str(t.messages[-1])
    ]
    assert any("Peer 1: so far 4" in text for text in told)
    assert not any("Peer 2" in text for text in told)
    assert episode.answer == "4"


async def test_paths_that_never_end_exchange_once_less_than_there_are_turns() -> None:
    episode = await play(leap(thinker(set()), n=2, turns=5, tokens=9), TASK)
    first = [last(turn) for turn in episode.turns if turn.branch == "0"]
    assert sum(text.endswith("<summary>") for text in first) == 4
    assert FORCED in first[-1]
    assert episode.answer == "4"


async def test_the_last_live_path_reads_that_there_are_no_comments() -> None:
    episode = await play(leap(thinker({0}), n=2, turns=2, tokens=9), TASK)
    assert any("(no comments)" in last(turn) for turn in episode.turns)


async def test_an_unfinished_paragraph_is_dropped_before_the_summary() -> None:
    episode = await play(leap(thinker(set()), n=2, turns=2, tokens=9), TASK)
    asked = next(turn for turn in episode.turns if last(turn).endswith("<summary>"))
    assert "Unfinished" not in last(asked)


@pytest.mark.parametrize("wrong", [{"n": 0}, {"turns": 0}, {"routing": "similar"}])
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        leap(ScriptedModel([]), **wrong)
