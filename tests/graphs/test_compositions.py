"""Whatever primitives are nested in whatever others, a team ends within its budget."""

from __future__ import annotations

import random
from typing import Any

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage

from symposia.agents import Actor, Critic, Judge, Ranker
from symposia.benchmarks import play
from symposia.episodes import Budget, Task
from symposia.graphs import answer, debate, judge, refine, route, sample, search, segment
from symposia.graphs.segment import Go
from symposia.graphs.selectors import best, graded
from symposia.graphs.spaces import TextSpace
from symposia.graphs.team import Member
from symposia.graphs.teams import TEAMS
from symposia.models import ScriptedModel

TASK = Task("t", "What is 2 + 2?")
REPLIES = (
    "<answer>4</answer>",
    "<answer>5</answer>",
    "<verdict>correct</verdict>",
    "<verdict>incorrect</verdict>",
    "<decision>accept</decision><winner>1</winner>",
    "<decision>revise</decision><scores>0.5</scores>",
    "<scores>1</scores><decision>accept</decision><scores>0</scores>",
    "I cannot say.",
    "<answer>",
)


def whim(seed: int) -> ScriptedModel:
    """Says anything, and sometimes breaks."""
    dice = random.Random(seed)

    def say(messages: list[BaseMessage]) -> Any:
        return RuntimeError("down") if dice.random() < 0.05 else dice.choice(REPLIES)

    return ScriptedModel(say)


def composed(draw: Any, depth: int) -> Member:
    """A member: an actor, or a primitive over members."""
    kinds = ("actor",) if depth == 0 else KINDS
    kind = draw(st.sampled_from(kinds))

    def inner() -> Member:
        return composed(draw, depth - 1)

    def model() -> ScriptedModel:
        return whim(draw(st.integers(0, 999)))

    small = draw(st.integers(1, 2))
    if kind == "sample":
        review = draw(st.sampled_from([None, Judge(model()), Critic(model())]))
        select = draw(st.sampled_from([best(graded), judge(Ranker(model()), orders="swap")]))
        return sample([inner(), inner()], review=review, select=select)
    if kind == "refine":
        return refine(
            inner(), Critic(model()), judge([Judge(model()), Judge(model())]), rounds=small
        )
    if kind == "debate":
        order = draw(st.sampled_from(["turns", "together"]))
        moderator = draw(st.sampled_from([None, Ranker(model())]))
        return debate([inner(), inner()], rounds=small, order=order, moderator=moderator)
    if kind == "route":
        return route([inner(), inner()], lambda held: nx.DiGraph([(0, 1)]), rounds=small)
    if kind == "search":
        return search(
            inner(), space=TextSpace(), proposals=2, expansions=small + 1, value=Judge(model())
        )
    if kind == "segment":
        return segment(Actor(model()), lambda *_: Go(), paths=small)
    if kind == "answer":
        return answer(Actor(model()))
    return Actor(model())


KINDS = ("sample", "refine", "debate", "route", "search", "segment", "answer", "actor")


@settings(max_examples=40)
@given(st.data(), st.integers(1, 60))
async def test_every_composition_ends_within_its_budget(data: st.DataObject, calls: int) -> None:
    member = composed(data.draw, 3)
    team = sample([member, Actor(whim(0))])
    episode = await play(team, TASK, budget=Budget(calls=calls, seconds=60))
    assert episode.total.calls <= calls
    assert episode.outcome.stop != ""
    assert "GraphRecursionError" not in episode.outcome.error
    assert episode.outcome.error == "" or episode.outcome.error.startswith(FAILED)
    assert len({turn.branch for turn in episode.turns}) > 1 or episode.total.calls <= 1


FAILED = ("BranchesFailedError", "RuntimeError: down")
"""What a broken model may come to."""


@settings(max_examples=10)
@given(st.sampled_from([spec for spec in TEAMS.values() if not spec.acts]), st.integers(0, 99))
async def test_every_named_team_ends_within_its_budget(spec: Any, seed: int) -> None:
    budget = Budget(calls=30, seconds=60)
    episode = await play(spec.build(whim(seed)), TASK, budget=budget)
    assert episode.total.calls <= 30
    assert episode.outcome.stop != ""
