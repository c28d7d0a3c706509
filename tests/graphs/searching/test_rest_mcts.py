from __future__ import annotations

import math

import pytest
from langchain_core.messages import BaseMessage

from symposia.agents import Action
from symposia.benchmarks import play
from symposia.episodes import Task
from symposia.graphs.searching.rest_mcts import best_of, guided, half_each, labels, rest_mcts
from symposia.graphs.tree import Node, Tree
from symposia.models import ScriptedModel

TASK = Task("t", "What is 2 + 3 + 4?")


def test_labels_rise_to_one_on_a_right_chain_and_fall_off_it() -> None:
    tree = Tree([Node(0)])
    for number, parent in enumerate([0, 1, 2, 1, 0], 1):
        tree.add(Node(number, parent, tree[parent].depth + 1, Action(action="a")))
    found = labels(tree, right=[3])
    assert [found[number] for number in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert found[4] == pytest.approx(1 / 9)
    assert found[5] == 0.0


def test_an_unvisited_node_counts_its_value_plus_one() -> None:
    tree = Tree([Node(0, visits=4)])
    tree.add(Node(1, 0, value=0.5))
    assert guided(0.7)(tree, tree[1]) == 1.5
    tree[1].visits = 2
    assert guided(0.7)(tree, tree[1]) == pytest.approx(0.5 + 0.7 * math.sqrt(math.log(4)))


def test_a_rollout_counts_half_and_starts_at_the_best_new_step() -> None:
    nodes = [Node(1, grade=0.2), Node(2, grade=0.6, rollout=1.0), Node(3, grade=0.4)]
    assert best_of(nodes) == [nodes[1]]
    assert [half_each(node) for node in nodes] == pytest.approx([0.2, 0.8, 0.4])
    assert best_of([]) == []


async def test_a_solution_worth_enough_ends_the_search() -> None:
    def say(messages: list[BaseMessage]) -> str:
        text = messages[-1].text
        if "Grade" in messages[0].text:
            return f"<decision>accept</decision><scores>{0.95 if '9' in text else 0.3}</scores>"
        if "2 + 3 = 5" in text:
            return "<step>5 + 4 = 9</step><answer>9</answer>"
        return "<step>2 + 3 = 5</step>"

    episode = await play(rest_mcts(ScriptedModel(say)), TASK)
    assert episode.answer == "9"
    assert [turn.agent for turn in episode.turns] == [
        *["actor"] * 3, "judge",  # one new step, valued
        "actor", "judge",  # a play from it reaches the answer, and leaves no node
        *["actor"] * 3,  # nothing else comes up at the start, which is closed
        *["actor"] * 3, "judge",  # the answer, valued: it is worth enough
    ]  # fmt: skip
    assert episode.turns[4].branch == "1.play"


async def test_only_the_step_that_was_played_from_is_visited_and_the_others_wait() -> None:
    steps = iter("abc" + "z" * 99)

    def say(messages: list[BaseMessage]) -> str:
        if "Grade" in messages[0].text:
            worth = 0.6 if "b" in messages[-1].text else 0.2
            return f"<decision>accept</decision><scores>{worth}</scores>"
        return f"<step>{next(steps)}</step>"

    team = rest_mcts(ScriptedModel(say), expansions=1, rollout_steps=1)
    tree = (await team.ainvoke({"task": TASK, "messages": []}))["tree"]  # type: ignore[typeddict-item]
    assert [(node.action.value, node.visits) for node in tree.nodes[1:]] == [
        ("a", 0), ("b", 1), ("c", 0),
    ]  # fmt: skip
    assert (tree[0].visits, tree[0].value) == (1, pytest.approx(0.6))
    assert guided()(tree, tree[1]) == pytest.approx(1.2)
