from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from symposia.agents import Answer, Candidate, Critique, Issue, Verdict
from symposia.episodes import Observation, Task
from symposia.graphs.checkpoints import serializer
from symposia.graphs.debating import simultaneous
from symposia.graphs.programs import Program
from symposia.graphs.refining.rewards import Solution
from symposia.models import ScriptedModel

KEPT = [
    Task("t", "2 + 2?", data={"tests": ["assert f()"]}),
    Observation("You see a lamp.", admissible=["take lamp"]),
    Answer(answer="4"),
    Program(code="x = 1"),
    Solution(steps=("a", "b"), answer="4"),
    Candidate(
        by="ann",
        draft=Answer(answer="4"),
        critique=Critique(verdict="incorrect", issues=(Issue(step=1, reason="no"),)),
        verdict=Verdict(decision="revise", scores=(0.5,)),
        measures={"entropy": 0.1},
    ),
    HumanMessage("Hello."),
]


@dataclass(frozen=True)
class Stranger:
    """A type that no team knows."""

    text: str


@pytest.mark.parametrize("value", KEPT, ids=lambda value: type(value).__name__)
def test_what_a_team_keeps_comes_back_as_it_was(value: Any, caplog: Any) -> None:
    keeper = serializer()
    with caplog.at_level(logging.WARNING):
        back = keeper.loads_typed(keeper.dumps_typed(value))
    assert (back, type(back)) == (value, type(value))
    assert caplog.messages == []


def test_other_types_do_not_come_back_unless_they_are_named() -> None:
    stranger = Stranger("hello")
    keeper, friend = serializer(), serializer(Stranger)
    assert not isinstance(keeper.loads_typed(keeper.dumps_typed(stranger)), Stranger)
    assert friend.loads_typed(friend.dumps_typed(stranger)) == stranger


async def test_a_team_goes_on_from_what_it_kept() -> None:
    team = simultaneous(ScriptedModel(["<answer>4</answer>"] * 6))
    team.checkpointer = InMemorySaver(serde=serializer())
    config: Any = {"configurable": {"thread_id": "1"}}
    await team.ainvoke({"task": KEPT[0], "messages": [HumanMessage("2 + 2?")]}, config)
    state = (await team.aget_state(config)).values
    assert {type(each) for each in state["said"]} == {Candidate}
    assert {type(each.draft) for each in state["said"]} == {Answer}
