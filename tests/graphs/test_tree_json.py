from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from forks import TASK, CopiedFork, wanderer
from hypothesis import given
from hypothesis import strategies as st

from symposia import EpisodeStore, evaluate
from symposia.agents import Action, Answer, Move, Proposal, Thought
from symposia.graphs import search
from symposia.graphs.leave_tree import leave_tree, tree_of
from symposia.graphs.tree import Node, Tree
from symposia.graphs.tree_json import tree_from_json, tree_to_json

texts = st.text(max_size=8)
words = texts.filter(lambda text: bool(text.strip()))
numbers = st.floats(allow_nan=False)
graded = st.none() | numbers
actions = st.one_of(
    st.builds(Action, thought=texts, action=words),
    st.builds(Answer, reasoning=texts, answer=words),
    st.builds(Thought, step=words, answer=texts),
    st.builds(Move, thought=texts, question=words),
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    tree = Tree(rounds=draw(st.integers(0, 9)), descents=draw(st.integers(0, 9)))
    for place in range(draw(st.integers(0, 8))):
        tree.add(
            Node(
                place,
                draw(st.integers(0, place - 1)) if place else None,
                depth=draw(st.integers(0, 9)),
                action=draw(actions) if place else None,
                text=draw(texts),
                branch=draw(texts),
                said=draw(texts),
                terminal=draw(st.booleans()),
                reward=draw(numbers),
                prior=draw(numbers),
                grade=draw(graded),
                rollout=draw(graded),
                value=draw(numbers),
                visits=draw(st.integers(0, 99)),
                total=draw(numbers),
                closed=draw(st.booleans()),
                misses=draw(st.integers(0, 3)),
            )
        )
    if len(tree):
        tree.focus = draw(st.integers(0, len(tree) - 1))
    return tree


@given(trees())
def test_a_tree_comes_back_from_json_as_it_was(tree: Tree) -> None:
    assert tree_from_json(json.loads(json.dumps(tree_to_json(tree)))) == tree


def test_a_node_keeps_only_what_is_not_default() -> None:
    written = tree_to_json(Tree([Node(0, text="Go.")]))
    assert written["nodes"] == [{"text": "Go."}]


def test_every_field_of_a_node_is_written_and_read() -> None:
    told: dict[str, Any] = {"text": "t", "branch": "1.0", "said": "s", "terminal": True}
    told |= {"closed": True, "visits": 2, "misses": 1, "depth": 1}
    told |= dict.fromkeys(("reward", "prior", "grade", "rollout", "value", "total"), 0.5)
    tree = Tree([Node(0)])
    tree.add(Node(1, parent=0, action=Action(action="go"), **told))
    written = tree_to_json(tree)["nodes"][1]
    assert {*written, "id", "children"} == {field.name for field in fields(Node)}
    assert tree_from_json(tree_to_json(tree)) == tree


GOOD: dict[str, Any] = {"nodes": [{"text": "Go."}, {"parent": 0, "depth": 1}]}


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ({"nodes": "none"}, "no list of nodes"),
        ({"focus": -1}, "focus is a number from 0 on, not -1"),
        ({"focus": 2}, "focus is 2, and it has 2 nodes"),
        ({"nodes": [{"text": 3}]}, "node 0 .* text"),
        ({"nodes": [{}, {"depth": 1}]}, "node 1 .* parent is None"),
        ({"nodes": [{}, {"parent": 1}]}, "node 1 .* parents come before"),
        ({"nodes": [{}, {"parent": 0, "colour": 1}]}, "node 1 .* colour"),
        ({"nodes": [{}, {"parent": 0, "visits": "2"}]}, "node 1 .* visits"),
        ({"nodes": [{}, {"parent": 0, "action": {"Leap": {}}}]}, "node 1 .* 'Leap'"),
        ({"nodes": [{}, {"parent": 0, "action": {"Action": {}}}]}, "node 1 .* action"),
        ({"nodes": [{}, {"parent": 0, "action": {}}]}, "node 1 .* type ''"),
        ({"nodes": [{}, 7]}, "node 1 "),
    ],
)
def test_a_damaged_tree_is_refused_and_the_place_named(damage: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){told}"):
        tree_from_json({**GOOD, **damage})


def test_actions_of_your_own_are_read_where_they_are_named() -> None:
    class Leap(Proposal):
        far: int

    tree = Tree([Node(0)])
    tree.add(Node(1, 0, 1, Leap(far=3)))
    written = tree_to_json(tree)
    assert tree_from_json(written, [Leap]) == tree
    with pytest.raises(ValueError, match="'Leap'; name it in `proposals`"):
        tree_from_json(written)


async def test_a_search_leaves_its_tree_and_what_was_found_about_it_in_the_record(
    tmp_path: Any,
) -> None:
    async def ends(tree: Tree, state: Any) -> dict[str, Any]:
        return {"ends": len(tree.ends()), "task": state["task"].id}

    kept: list[Tree] = []

    async def keep(tree: Tree, state: Any) -> dict[str, Any]:
        kept.append(tree)
        return await ends(tree, state)

    team = leave_tree(search(wanderer(), proposals=2, expansions=5), keep)
    with EpisodeStore(tmp_path) as store:
        await evaluate(team, CopiedFork(), store=store, run="r", progress=False)
        (episode,) = store.episodes("r")
    assert tree_of(episode) == kept[0]
    assert (episode.findings["ends"], episode.findings["task"]) == (len(kept[0].ends()), TASK.id)
    assert episode.team == "search"


async def test_a_limit_that_is_met_afterwards_is_told_and_the_tree_is_there() -> None:
    from symposia import play
    from symposia.benchmarks.sessions import Sessions

    async def poor(tree: Tree, state: Any) -> dict[str, Any]:
        return {"stop": "budget of 3 model calls is spent"}

    team = leave_tree(search(wanderer(), proposals=2, expansions=2), poor)
    async with Sessions(CopiedFork({})) as sessions, sessions.world(TASK) as world:
        episode = await play(team, TASK, world)
    assert episode.outcome.stop == "budget of 3 model calls is spent"
    assert len(tree_of(episode)) > 1


async def test_a_record_without_a_tree_says_how_to_get_one() -> None:
    from symposia import Episode

    with pytest.raises(ValueError, match="play `leave_tree"):
        tree_of(Episode(run="r", task="a"))
