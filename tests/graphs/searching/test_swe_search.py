from __future__ import annotations

import pytest
from forks import TASK, CopiedFork
from langchain_core.messages import BaseMessage

from symposia.agents import Action, TeamContext, ToolAgent
from symposia.benchmarks.sessions import Sessions
from symposia.graphs.searching.swe_search import score, siblings, swe_search
from symposia.graphs.tree import Node, Tree, best_trajectory
from symposia.models import ScriptedModel


def test_scores_are_those_of_the_card() -> None:
    tree = Tree([Node(0, visits=10)])
    tree.add(Node(1, 0, 3, Action(action="a"), value=80, visits=1))
    tree.add(Node(2, 0, 1, Action(action="b"), value=60, visits=5))
    tree.add(Node(3, 2, 2, Action(action="c"), value=0, visits=1))
    assert score(tree, tree[1]) == pytest.approx(130.13, abs=0.005)
    assert score(tree, tree[2]) == pytest.approx(59.88, abs=0.005)


def test_duplicate_children_cost_by_their_square_and_a_finished_subtree_too() -> None:
    tree = Tree([Node(0, visits=5)])
    tree.add(Node(1, 0, 1, Action(action="a"), value=10, visits=4))
    before = score(tree, tree[1])
    for number in (2, 3, 4):
        tree.add(Node(number, 1, 2, Action(action="b"), value=0, visits=1))
    assert score(tree, tree[1]) == pytest.approx(before - 25 * 4)
    tree[4].value, tree[4].terminal = 100, True
    assert score(tree, tree[1]) == pytest.approx(before - 25 * 4 - 5 - 50)


def test_only_later_children_hear_of_their_siblings() -> None:
    tree = Tree([Node(0)])
    assert siblings(tree, tree[0], 0) == ()
    tree.add(Node(1, 0, 1, Action(action="left"), "a wall", value=-20))
    (told,) = siblings(tree, tree[0], 1)
    assert "left" in told.text
    assert "a wall" in told.text
    assert "-20" in told.text


async def test_one_child_at_a_time_wherever_it_promises_most() -> None:
    said: list[str] = []

    def act(messages: list[BaseMessage]) -> str:
        told = messages[-1].text
        said.append(told)
        return f"<action>{'right' if 'left' in told and 'Other' in told else 'left'}</action>"

    def value(messages: list[BaseMessage]) -> str:
        at = messages[-1].text
        return f"<reward>{100 if '[rl]' in at else 60 if '[r' in at else -50}</reward>"

    team = swe_search(
        ToolAgent(ScriptedModel(act)), ScriptedModel(value), width=2, expansions=10, max_depth=2
    )
    fork = CopiedFork({"rl": 1.0}, depth=2)
    async with Sessions(fork) as sessions, sessions.world(TASK) as world:
        final = await team.ainvoke({"task": TASK, "messages": []}, context=TeamContext(world))
    tree = final["tree"]
    assert not any("Other attempts" in text for text in said[:1])
    assert tree[best_trajectory(tree)].text == "You are at [rl]."
    assert any(end.value == 100 for end in tree.ends())
