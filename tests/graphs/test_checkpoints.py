from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import pytest
from forks import TASK, Fork, wanderer
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from symposia.agents import Actor, Answer, Candidate, Person, Proposal, TeamContext
from symposia.benchmarks.sessions import Sessions
from symposia.episodes import Task
from symposia.graphs import refine, sample, search
from symposia.graphs.checkpoints import checkpoint_serializer
from symposia.graphs.tree import Tree
from symposia.models import ScriptedModel


class Haiku(Proposal):
    """An output of a user's own."""

    lines: str

    @property
    def value(self) -> str:
        return self.lines


@dataclass(frozen=True)
class Stamp:
    number: int


async def paused(team: Any, state: Any, context: TeamContext | None = None) -> Any:
    config: Any = {"configurable": {"thread_id": "1"}}
    await team.ainvoke(state, config, context=context)
    return (await team.aget_state(config)).values


async def test_states_come_back_as_what_they_were(caplog: pytest.LogCaptureFixture) -> None:
    actor = Actor(ScriptedModel(["<lines>old pond</lines>"]), output=Haiku)
    saver = InMemorySaver(serde=checkpoint_serializer())
    team = refine(actor, Person("reader", writes="critique"), checkpointer=saver)
    with caplog.at_level(logging.WARNING):
        values = await paused(team, {"task": Task("t", "Write."), "messages": []})
    assert values["draft"] == Haiku(lines="old pond")
    assert isinstance(values["said"][0], Candidate)
    assert isinstance(values["task"], Task)
    assert caplog.records == []


async def test_a_search_comes_back_with_its_tree(caplog: pytest.LogCaptureFixture) -> None:
    saver = InMemorySaver(serde=checkpoint_serializer())
    team = search(wanderer(), proposals=1, expansions=1, value=Person("x"), checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "1"}}
    async with Sessions(Fork()) as sessions, sessions.world(TASK) as world:
        values = await paused(team, {"task": TASK, "messages": []}, TeamContext(world))
        assert isinstance(values["tree"], Tree)
        verdict = Command(resume={"decision": "accept"})
        final = await team.ainvoke(verdict, config, context=TeamContext(world))
    assert isinstance(final["tree"], Tree)
    assert caplog.records == []


def test_types_that_nobody_named_are_refused() -> None:
    known, unknown = checkpoint_serializer(Stamp), checkpoint_serializer()
    written = known.dumps_typed(Stamp(3))
    assert known.loads_typed(written) == Stamp(3)
    assert not isinstance(unknown.loads_typed(written), Stamp)


async def test_branches_are_kept_too() -> None:
    saver = InMemorySaver(serde=checkpoint_serializer())
    model = ScriptedModel(["<answer>4</answer>"] * 3)
    values = await paused(sample(Actor(model), 3, checkpointer=saver), {"messages": []})
    assert [each.draft for each in values["candidates"]] == [Answer(answer="4")] * 3
