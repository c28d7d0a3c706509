from __future__ import annotations

import asyncio
from typing import Any

import pytest
from forks import TASK, CopiedFork, Fork, RandomFork, wanderer
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from symposia.agents import Actor, Judge, Person, Ranker, TeamContext, Thought, ToolAgent
from symposia.benchmarks import play
from symposia.benchmarks.sessions import Sessions
from symposia.episodes import Budget, Episode, Task
from symposia.graphs import search
from symposia.graphs.checkpoints import checkpoint_serializer
from symposia.graphs.search import Rollout
from symposia.graphs.spaces import TextSpace
from symposia.graphs.team import Team
from symposia.graphs.tree import Tree, anywhere, best_first
from symposia.models import ScriptedModel


async def played(team: Team, environment: Fork, **options: Any) -> Episode:
    async with Sessions(environment) as sessions, sessions.world(TASK) as world:
        return await play(team, TASK, world, **options)


async def grown(team: Team, environment: Fork) -> Tree:
    async with Sessions(environment) as sessions, sessions.world(TASK) as world:
        final = await team.ainvoke({"task": TASK, "messages": []}, context=TeamContext(world))
    tree: Tree = final["tree"]
    return tree


def steps(texts: dict[int, list[str]]) -> Actor:
    """Writes the given steps at each depth, in turn."""
    said: dict[int, int] = {}

    def say(messages: list[BaseMessage]) -> str:
        depth = messages[-1].text.count("\nstep")
        said[depth] = said.get(depth, 0) + 1
        here = texts[depth]
        return f"<step>{here[(said[depth] - 1) % len(here)]}</step>"

    return Actor(ScriptedModel(say), output=Thought)


@pytest.mark.parametrize("world", [Fork, CopiedFork])
async def test_a_search_finds_the_treasure_and_leaves_the_world_there(world: type[Fork]) -> None:
    team = search(wanderer(), proposals=2, expansions=20, max_depth=3)
    episode = await played(team, world())
    assert episode.outcome.success
    assert episode.outcome.stop == "solved"
    assert episode.steps[-1].text == "You are at [lrl]."


async def test_a_world_that_is_copied_takes_fewer_steps_than_one_that_is_replayed() -> None:
    taken = [
        sum(step.action is not None for step in (await played(team, world)).steps)
        for world in (Fork(), CopiedFork())
        for team in [search(wanderer(), proposals=2, expansions=20, max_depth=3)]
    ]
    assert taken[1] < taken[0]


async def test_a_world_that_does_not_repeat_itself_is_refused() -> None:
    episode = await played(search(wanderer(), proposals=2, max_depth=3), RandomFork())
    assert "does not repeat itself" not in episode.steps[-1].text
    assert episode.outcome.error.startswith("ReplayError: 'left' led to")


async def test_all_of_a_small_world_is_searched_and_then_the_search_ends() -> None:
    tree = await grown(search(wanderer(), proposals=2, expansions=99, max_depth=3), Fork({}))
    assert len(tree) == 1 + 2 + 4 + 8
    assert tree.rounds == 7
    assert tree[0].visits == 14


async def test_the_same_proposal_is_one_child_and_an_exhausted_position_is_closed() -> None:
    always = Actor(ScriptedModel(lambda messages: "<answer>left</answer>"))
    tree = await grown(search(always, proposals=3, expansions=9, max_depth=2), Fork())
    assert [len(node.children) for node in tree] == [1, 1, 0]
    assert tree[0].closed


async def test_a_reply_that_cannot_be_read_does_not_close_a_position() -> None:
    mumbling = ToolAgent(ScriptedModel(["what?", "<action>left</action>"] + ["what?"] * 9))
    tree = await grown(search(mumbling, proposals=1, expansions=9, max_depth=3), Fork())
    assert [node.text for node in tree.nodes[1:]] == ["You are at [l]."]
    assert (tree[1].misses, tree[1].closed, tree.rounds) == (3, True, 5)


async def test_turns_are_told_apart_by_round_and_number() -> None:
    episode = await played(search(wanderer(), proposals=2, expansions=2, max_depth=3), Fork())
    assert [turn.branch for turn in episode.turns] == ["1.0", "1.1", "2.0", "2.1"]


async def test_a_branch_that_fails_leaves_the_other_proposals() -> None:
    broken = Actor(ScriptedModel([RuntimeError("down")] * 9))
    tree = await grown(search([broken, wanderer()], proposals=2, expansions=1), Fork())
    assert len(tree) == 2
    episode = await played(search(broken, proposals=2), Fork())
    assert "each of 2 branches failed" in episode.outcome.error


async def test_a_spent_budget_settles_on_what_was_found() -> None:
    team = search(wanderer(), proposals=2, expansions=50, max_depth=3)
    episode = await played(team, CopiedFork({"l": 0.5}), budget=Budget(calls=3))
    assert episode.outcome.stop == "budget of 3 model calls is spent"
    assert episode.outcome.score == 0.5
    once = search(wanderer(), proposals=2, expansions=50, max_depth=3)
    tools = await played(once, CopiedFork({"l": 0.5}), budget=Budget(tool_calls=1))
    assert (tools.outcome.stop, tools.answer) == ("budget of 1 tool calls is spent", "left")


async def test_a_text_grows_step_by_step_under_a_value() -> None:
    policy = steps({0: ["step a", "step b"], 1: ["step c</step><answer>7</answer><step>"]})
    writer = Actor(
        ScriptedModel(
            lambda m: (
                "<step>step c</step><answer>7</answer>"
                if "step b" in m[-1].text
                else "<step>step d</step><answer>8</answer>"
                if "step a" in m[-1].text
                else policy.model.script(m)  # type: ignore[attr-defined]
            )
        ),
        output=Thought,
    )

    def grade(messages: list[BaseMessage]) -> str:
        good = "step b" in messages[-1].text
        return f"<decision>accept</decision><scores>{0.9 if good else 0.1}</scores>"

    team = search(
        writer,
        space=TextSpace(),
        proposals=2,
        value=Judge(ScriptedModel(grade)),
        select=anywhere(best_first, 2),
        expansions=3,
    )
    episode = await play(team, Task("t", "What?"))
    assert episode.answer == "7"


async def test_rollouts_see_ahead_and_leave_no_nodes() -> None:
    rollout = Rollout(Actor(ScriptedModel(lambda m: "<answer>left</answer>")), steps=5)
    team = search(wanderer(), proposals=2, expansions=1, max_depth=9, rollout=rollout)
    tree = await grown(team, Fork({"lll": 1.0}))
    assert [node.rollout for node in tree.nodes[1:]] == [1.0, 0.0]
    assert len(tree) == 3


async def test_priors_come_from_whoever_ranks_the_proposals() -> None:
    said = "<decision>accept</decision><scores>0.2</scores><scores>1</scores>"
    ranker = Ranker(ScriptedModel([said]))
    team = search(wanderer(), proposals=2, expansions=1, rank=ranker)
    assert [node.prior for node in (await grown(team, Fork())).nodes[1:]] == [0.2, 1.0]


async def test_a_person_may_grade_positions_and_a_resumed_search_goes_on() -> None:
    person = Person("expert", writes="verdict")
    team = search(wanderer(), proposals=1, expansions=1, value=person, checkpointer=InMemorySaver())
    async with Sessions(Fork()) as sessions, sessions.world(TASK) as world:
        config: Any = {"configurable": {"thread_id": "1"}}
        context = TeamContext(world)
        paused = await team.ainvoke({"task": TASK, "messages": []}, config, context=context)
        assert paused["__interrupt__"][0].value["person"] == "expert"
        fresh = TeamContext(world)
        verdict = {"decision": "accept", "scores": [0.75]}
        final = await team.ainvoke(Command(resume=verdict), config, context=fresh)
    assert final["tree"][1].grade == 0.75
    assert final["answer"] == "left"


class SlowSaver(InMemorySaver):
    """Writes a checkpoint while the graph is already going on, as savers with a disk do."""

    async def aput(self, *given: Any) -> Any:
        await asyncio.sleep(0.02)
        return self.put(*given)


async def test_a_checkpoint_holds_the_tree_as_it_was_however_late_it_is_written() -> None:
    saver = SlowSaver(serde=checkpoint_serializer())
    judge = Judge(ScriptedModel(lambda m: "<decision>accept</decision><scores>0.5</scores>"))
    team = search(wanderer(), proposals=2, expansions=2, value=judge, checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "1"}}
    async with Sessions(Fork()) as sessions, sessions.world(TASK) as world:
        given: Any = {"task": TASK, "messages": []}
        await team.ainvoke(given, config, context=TeamContext(world))
    held = [(each.next, each.values.get("tree")) async for each in team.aget_state_history(config)]
    growing = [tree for nodes, tree in held if nodes == ("grow",)]
    assert [(tree.rounds, len(tree[tree.focus].children)) for tree in growing] == [(2, 0), (1, 0)]
    valued = [tree for nodes, tree in held if nodes == ("advance",) and len(tree) > 1]
    assert all(node.grade is None for tree in valued for node in tree.nodes[-2:])


async def test_the_settling_member_sees_the_ends() -> None:
    judge = Ranker(ScriptedModel(["<winner>1</winner><decision>accept</decision>"]))
    team = search(wanderer(), proposals=2, expansions=9, max_depth=1, settle=judge)
    assert (await played(team, Fork())).answer == "right"


@pytest.mark.parametrize("limit", ["proposals", "expansions", "max_depth"])
def test_limits_are_positive(limit: str) -> None:
    with pytest.raises(ValueError, match=f"{limit}=0"):
        search(wanderer(), **{limit: 0})


async def test_without_a_world_the_error_says_what_to_do() -> None:
    episode = await play(search(wanderer()), TASK)
    assert "or search in a TextSpace" in episode.outcome.error


async def test_a_value_that_always_fails_is_an_error() -> None:
    broken = Judge(ScriptedModel([RuntimeError("down")] * 9))
    episode = await played(search(wanderer(), proposals=2, value=broken), Fork())
    assert "each of 2 branches failed, the first with" in episode.outcome.error


async def test_a_budget_spent_while_settling_is_told() -> None:
    async def spent(state: Any) -> dict[str, Any]:
        return {"stop": "budget of 2 model calls is spent"}

    team = search(wanderer(), proposals=2, expansions=1, max_depth=1, settle=spent)
    assert (await played(team, Fork())).outcome.stop == "budget of 2 model calls is spent"
