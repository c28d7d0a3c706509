from __future__ import annotations

import pytest
from langchain_core.messages import BaseMessage

from symposia import ScriptedModel, Task, play
from symposia.graphs.judging import panel

TASK = Task("t", "Say something nice.")


def votes(place: int | None, *scores: float) -> ScriptedModel:
    said = "<decision>accept</decision>" + (
        f"<winner>{place}</winner>" if place is not None else ""
    )
    return ScriptedModel([said + "".join(f"<scores>{score}</scores>" for score in scores)])


def author() -> ScriptedModel:
    return ScriptedModel(["<answer>rude</answer>", "<answer>nice</answer>"])


async def test_the_reply_with_most_votes_wins() -> None:
    team = panel(author(), judges=[votes(0), votes(1), votes(1)])
    episode = await play(team, TASK)
    assert (episode.answer, episode.total.calls) == ("nice", 5)
    assert {turn.agent for turn in episode.turns} == {"actor", "judge-1", "judge-2", "judge-3"}


async def test_grades_are_averaged_and_each_judge_votes_for_its_best() -> None:
    judges = [votes(None, 0.6, 0.5), votes(None, 0.1, 0.9), votes(None, 0.2, 0.4)]
    final = await panel(author(), judges=judges).ainvoke({"task": TASK})
    assert final["verdict"].scores == pytest.approx((0.3, 0.6))
    assert final["answer"] == "nice"


async def test_a_judge_that_fails_or_raves_does_not_count() -> None:
    broken = ScriptedModel([ValueError("no such model")])
    team = panel(author(), judges=[broken, ScriptedModel(["both!"]), votes(1)])
    assert (await play(team, TASK)).answer == "nice"


def test_a_panel_needs_a_judge() -> None:
    with pytest.raises(ValueError, match="0 judges"):
        panel(author(), judges=[])


async def test_one_model_may_take_every_part() -> None:
    asked: list[str] = []

    def reply(messages: list[BaseMessage]) -> str:
        if "Proposed reply" in messages[-1].text:
            return "<decision>accept</decision><winner>1</winner>"
        asked.append("answer")
        return f"<answer>{len(asked)}</answer>"

    episode = await play(panel(ScriptedModel(reply)), TASK)
    assert (episode.answer, episode.total.calls) == ("2", 2 + 3)
