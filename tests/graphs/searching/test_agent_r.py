from __future__ import annotations

from typing import Any

import pytest
from forks import TASK, CopiedFork, wanderer
from langchain_core.messages import BaseMessage

from symposia.agents import Action, TeamContext, output_format
from symposia.benchmarks.sessions import Sessions
from symposia.episodes import BudgetExceeded
from symposia.graphs.searching.agent_r import (
    ALPHAS,
    StepJudge,
    agent_r,
    end_pairs,
    first_error,
    good_play,
    revision,
)
from symposia.graphs.tree import Node, Tree
from symposia.models import ScriptedModel

TAGS = output_format("tags")


def tree_of(parents: list[int], names: list[str]) -> Tree:
    tree = Tree([Node(0, text="Go.")])
    for number, (parent, name) in enumerate(zip(parents, names, strict=True), 1):
        depth = tree[parent].depth + 1
        tree.add(Node(number, parent, depth, Action(action=name), f"saw {name}"))
    return tree


def example() -> Tree:
    """root -> s1; s1 -> bad1 -> bad2 -> end (0.0); s1 -> good1 -> end (1.0)."""
    tree = tree_of([0, 1, 2, 3, 1, 5], ["s1", "bad1", "bad2", "end", "good1", "leaf"])
    for number, score in ((4, 0.0), (6, 1.0)):
        tree[number].terminal, tree[number].visits, tree[number].total = True, 1, score
    return tree


def judge(labels: list[str]) -> StepJudge:
    return StepJudge(ScriptedModel([f"<label>{label}</label>" for label in labels]))


async def test_a_revision_keeps_the_first_error_and_goes_on_as_the_good_play() -> None:
    tree = example()
    error = await first_error(tree, 4, judge(["good", "uncertain", "bad"]), {})
    assert error == 3
    lines = [line for line in revision(tree, 6, 4, error, TAGS) if line.role == "assistant"]
    said = [parsed.action for line in lines if (parsed := TAGS.parse(line.text, Action))]
    assert said == ["s1", "bad1", "bad2", "wait", "good1", "leaf"]
    assert [line.trained for line in lines] == [False, False, False, True, True, True]
    assert not any(line.trained for line in revision(tree, 6, 4, 3, TAGS) if line.role == "user")


async def test_without_an_error_the_whole_bad_play_is_kept() -> None:
    tree = example()
    assert await first_error(tree, 4, judge(["good"] * 4), {}) is None
    said = [line.text for line in revision(tree, 6, 4, None, TAGS)]
    assert sum("saw" in text for text in said) == 4 + 2
    first = revision(tree, 6, 4, await first_error(tree, 4, judge(["bad"]), {}), TAGS)
    assert sum("saw" in line.text for line in first) == 1 + 2


async def test_a_label_that_cannot_be_read_accuses_nobody() -> None:
    labels = ScriptedModel(["not good", "<label>not good</label>", "<label>bad</label>"])
    assert await first_error(example(), 4, StepJudge(labels), {}) == 3


def test_pairs_pass_both_thresholds_strictly() -> None:
    tree = tree_of([0, 0, 0], ["a", "b", "c"])
    for node, score in zip(tree.nodes[1:], (0.9, 0.7, 0.2), strict=True):
        node.terminal, node.visits, node.total = True, 1, score
    assert end_pairs(tree, ALPHAS[0], beta=0.2) == [(1, 3), (2, 3)]
    assert end_pairs(tree, ALPHAS[2], beta=0.2) == []


def test_of_a_good_play_every_action_is_trained() -> None:
    lines = good_play(example(), 6, TAGS)
    assert [line.trained for line in lines] == [False, True, False, True, False, True, False]


async def collected(model: Any, worth: dict[str, float], **options: Any) -> Tree:
    async with Sessions(CopiedFork(worth)) as sessions, sessions.world(TASK) as world:
        team = agent_r(model, **options)
        final = await team.ainvoke({"task": TASK, "messages": []}, context=TeamContext(world))
    tree: Tree = final["tree"]
    return tree


async def test_one_descent_walks_to_the_end_and_only_ends_are_backed_up() -> None:
    tree = await collected(wanderer(), {"lll": 1.0}, samples=2, descents=1, max_depth=5)
    assert len(tree) == 7
    assert [node.visits for node in tree] == [2, 2, 0, 2, 0, 1, 1]
    assert tree[0].total == 1.0


async def test_more_descents_see_more_of_the_world_until_all_is_seen() -> None:
    tree = await collected(wanderer(), {"rrr": 1.0}, samples=2, descents=99, max_depth=5)
    assert len(tree) == 15
    assert tree[0].visits == 8
    assert tree[0].mean == 1 / 8


async def test_a_negative_reward_ends_the_play_and_counts_nothing() -> None:
    tree = await collected(wanderer(), {"l": -1.0}, samples=2, descents=1)
    disaster = next(node for node in tree if node.text == "You are at [l].")
    assert (disaster.terminal, disaster.reward, disaster.visits, disaster.total) == (True, 0, 1, 0)


async def test_duplicate_actions_are_dropped() -> None:
    def always(messages: list[BaseMessage]) -> str:
        return "<action>left</action>"

    from symposia.agents import ToolAgent

    tree = await collected(ToolAgent(ScriptedModel(always)), {}, samples=4, descents=1)
    assert all(len(node.children) <= 1 for node in tree)
    assert (tree.rounds, len(tree)) == (3, 4)


async def test_a_spent_budget_is_no_judgement_that_all_was_good() -> None:
    async def spent(state: Any) -> dict[str, Any]:
        return {"stop": "budget of 1 model calls is spent"}

    with pytest.raises(BudgetExceeded, match="1 model calls"):
        await first_error(example(), 4, spent, {})
