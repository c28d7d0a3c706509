"""Two views: who reads which wording, and what the team settles on."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from symposia import Actor, ScriptedModel
from symposia.benchmarks.rollout import play
from symposia.episodes import Task
from symposia.graphs.views import Rewriter, two_views, view_of

TASK = Task("sum", "What is 3 plus 4?")


def answers(original: list[str], rewritten: list[str]) -> Any:
    left = {"What is 3 plus 4?": iter(original), "Ann has 3 and gets 4.": iter(rewritten)}

    def reply(messages: list[BaseMessage]) -> str:
        return f"<answer>{next(left[messages[-1].text])}</answer>"

    return Actor(ScriptedModel(reply))


def rewriter(reply: str) -> Rewriter:
    return Rewriter(ScriptedModel([reply]))


async def test_both_wordings_are_answered_and_the_original_decides() -> None:
    team = two_views(
        answers(["7", "7", "9"], ["9", "9", "9"]),
        rewriter("<question>Ann has 3 and gets 4.</question>"),
        3,
    )
    episode = await play(team, TASK)
    assert episode.answer == "7"
    assert [turn.agent for turn in episode.turns].count("rewriter") == 1
    views = [view_of(turn.branch) for turn in episode.turns if turn.agent == "actor"]
    assert sorted(views) == ["original"] * 3 + ["rewritten"] * 3


async def test_without_a_readable_paraphrase_there_is_one_view() -> None:
    episode = await play(two_views(answers(["7", "7"], []), rewriter("I will not."), 2), TASK)
    assert episode.answer == "7"
    assert {view_of(turn.branch) for turn in episode.turns} == {"", "original"}


def test_there_has_to_be_an_answer() -> None:
    with pytest.raises(ValueError, match="n=0"):
        two_views(answers([], []), rewriter(""), 0)
