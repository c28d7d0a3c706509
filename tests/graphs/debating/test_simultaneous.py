from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from symposia import ScriptedModel
from symposia.agents import Actor
from symposia.benchmarks import play
from symposia.episodes import Task
from symposia.graphs import refine, sample
from symposia.graphs.debating.simultaneous import shares, simultaneous

TASK = Task("t", "A or B?")


def says(answer: str) -> str:
    return f"<answer>{answer}</answer>"


def conformist(first: str) -> ScriptedModel:
    """Says `first`; then what most of those that it reads say."""

    def reply(messages: list[BaseMessage]) -> str:
        heard = messages[-1].text
        if "> <answer>" not in heard:
            return says(first)
        return says(max("AB", key=lambda each: heard.count(f"> {says(each)}")))

    return ScriptedModel(reply)


async def test_each_agent_reads_all_replies_of_the_round_before_its_own_among_them() -> None:
    models = [ScriptedModel([says(f"{name}{n}") for n in range(3)]) for name in "abc"]
    episode = await play(simultaneous(models, rounds=3), TASK)
    second = [turn for turn in episode.turns if "agent" in turn.messages[-1]["content"]]
    assert len(second) == 6
    for turn in second[:3]:
        heard = turn.messages[-1]["content"]
        assert all(
            f"agent {n}:\n> <answer>{name}0</answer>" in heard for n, name in enumerate("abc")
        )
    for turn in second[3:]:
        heard = turn.messages[-1]["content"]
        assert all(says(f"{name}1") in heard and says(f"{name}0") not in heard for name in "abc")


async def test_conformists_follow_the_majority() -> None:
    team = simultaneous([conformist(first) for first in "AAB"])
    state = await team.ainvoke({"task": TASK, "messages": [("user", "A or B?")]})
    assert [each.value for each in state["said"]] == ["A", "A", "B", "A", "A", "A"]
    assert state["answer"] == "A"


async def test_at_equal_budget_debate_vote_and_revision_cost_the_same() -> None:
    def model() -> ScriptedModel:
        return ScriptedModel([says("A")] * 6)

    async def silent(state: Any) -> dict[str, Any]:
        return {}

    teams = [
        simultaneous(model(), agents=3, rounds=2),
        sample(Actor(model()), 6),
        refine(Actor(model()), silent, rounds=5),
    ]
    calls = [(await play(team, TASK)).total.calls for team in teams]
    assert calls == [6, 6, 6]


async def test_what_holds_of_agents_is_told_round_by_round() -> None:
    team = simultaneous([conformist(first) for first in "ABB"])
    state = await team.ainvoke({"task": TASK, "messages": [("user", "A or B?")]})
    assert shares(state["said"], lambda each: each.value == "B") == [2 / 3, 1.0]
    assert shares([], lambda each: True) == []


async def test_agents_take_models_and_personas_in_turn() -> None:
    team = simultaneous(
        [ScriptedModel([says("A")] * 2), ScriptedModel([says("B")])],
        rounds=1,
        personas=["You are a judge.", "You are a poet."],
    )
    episode = await play(team, TASK)
    assert [t.messages[0]["content"].split(".")[0] for t in episode.turns] == [
        "You are a judge",
        "You are a poet",
        "You are a judge",
    ]
    assert episode.answer == "A"


async def test_agents_that_cannot_be_read_are_left_out_of_what_others_read() -> None:
    models = [ScriptedModel(["hm", says("A")]), ScriptedModel([says("A")] * 2)]
    episode = await play(simultaneous(models, agents=2), TASK)
    assert "hm" not in "".join(m["content"] for t in episode.turns for m in t.messages)
    assert episode.answer == "A"


def test_there_must_be_a_model_and_two_agents() -> None:
    with pytest.raises(ValueError, match="models is empty"):
        simultaneous([])
    with pytest.raises(ValueError, match="1 speakers"):
        simultaneous(ScriptedModel([]), agents=1)
