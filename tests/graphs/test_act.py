from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from worlds import Counter

from symposia.agents import Critic, Judge, TeamContext, ToolAgent
from symposia.benchmarks import Sessions, play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs import act, refine
from symposia.models import ScriptedModel

UP, DOWN = "<action>up</action>", "<action>down</action>"
TASK = Task("counter:0", "count")


async def played(team: Any, goal: int = 2, budget: Budget | None = None) -> Episode:
    async with Sessions(Counter(goal=goal)) as sessions, sessions.world(TASK) as world:
        return await play(team, TASK, world, budget=budget)


def acting(*replies: str, **options: Any) -> Any:
    return act(ToolAgent(ScriptedModel(list(replies))), **options)


async def test_agent_and_world_take_turns_until_the_task_is_done() -> None:
    episode = await played(acting(UP, DOWN, UP))
    assert episode.outcome.success
    assert [s.action for s in episode.steps] == [None, "up", "down", "up"]
    assert [m["content"] for m in episode.turns[2].messages[1:]] == [
        "Say up.\n\nCount to 2.",
        UP,
        "You are at 1.",
        DOWN,
        "You are at 1.",
    ]
    assert episode.steps[2].after == episode.turns[1].id


async def test_the_step_limit_ends_the_episode() -> None:
    episode = await played(acting(*[DOWN] * 3, max_steps=3))
    assert (episode.outcome.success, episode.outcome.stop) == (False, "step limit")


async def test_loops_are_noticed_when_asked_for() -> None:
    looping = await played(acting(*[DOWN] * 5, loop_limit=3, max_steps=5))
    assert (looping.outcome.stop, len(looping.steps)) == ("loop", 4)
    musing = [f"<thought>{i}</thought>{DOWN}" for i in range(5)]
    assert (await played(acting(*musing, loop_limit=3, max_steps=5))).outcome.stop == "loop"
    free = await played(acting(*[DOWN] * 5, max_steps=5))
    assert free.outcome.stop == "step limit"


@pytest.mark.parametrize("garbage", ["", "go up!", "<action></action>", "x" * 200_000])
async def test_an_agent_that_answers_garbage_ends_with_a_reason(garbage: str) -> None:
    episode = await played(acting(*[garbage] * 3))
    assert episode.outcome.stop == "unreadable replies"
    assert len(episode.steps) == 1
    assert all(t.unreadable for t in episode.turns)


async def test_one_unreadable_reply_is_asked_again_and_costs_no_step() -> None:
    episode = await played(acting("hm", UP, "hm", UP))
    assert episode.outcome.success
    assert "could not be read" in episode.turns[1].messages[-1]["content"]


@pytest.mark.parametrize(
    ("budget", "stop"),
    [
        (Budget(calls=2), "budget of 2 model calls is spent"),
        (Budget(tool_calls=2), "budget of 2 tool calls is spent"),
        (Budget(tokens=60), "budget of 60 tokens is spent"),
    ],
)
async def test_budgets_end_the_episode_and_it_says_so(budget: Budget, stop: str) -> None:
    episode = await played(acting(*[UP] * 9), goal=9, budget=budget)
    assert (episode.outcome.stop, episode.outcome.error) == (stop, "")
    assert episode.answer == "up"


async def test_a_hanging_model_is_cut_off_by_the_seconds_budget() -> None:
    slow = act(ToolAgent(ScriptedModel([UP], latency=30)))
    episode = await played(slow, budget=Budget(seconds=0.2))
    assert episode.outcome.stop == "budget of 0.2 seconds is spent"
    assert episode.turns[0].error == "cut off"
    assert episode.total.calls == 1
    assert episode.total.seconds == pytest.approx(0.2, abs=0.15)


def council(proposals: list[str], reviews: list[str], verdicts: list[str]) -> Any:
    policy = refine(
        ToolAgent(ScriptedModel(proposals)),
        Critic(ScriptedModel(reviews)),
        Judge(ScriptedModel(verdicts)),
        rounds=1,
    )
    return act(policy, name="council")


async def test_a_team_can_be_the_policy() -> None:
    revise, accept = "<decision>revise</decision>", "<decision>accept</decision>"
    wrong, right = "<verdict>incorrect</verdict>", "<verdict>correct</verdict>"
    team = council([DOWN, UP, UP], [wrong, right, right], [revise, accept, accept])
    episode = await played(team)
    assert episode.outcome.success
    assert [s.action for s in episode.steps] == [None, "up", "up"]
    conversation = [m["content"] for m in episode.turns[-1].messages]
    assert DOWN not in "".join(conversation)


async def test_a_council_that_mumbles_ends_with_a_reason() -> None:
    episode = await played(council(["?"] * 6, [], []))
    assert episode.outcome.stop == "unreadable replies"


async def test_an_engine_that_breaks_is_an_outcome() -> None:
    episode = await played(acting("<action>raise</action>"))
    assert episode.outcome.stop == "error"
    assert "the engine broke" in episode.outcome.error


async def test_without_a_world_the_error_says_what_to_do() -> None:
    episode = await play(acting(UP), TASK)
    assert "TeamContext(world=...)" in episode.outcome.error


async def test_it_checkpoints_and_streams_subgraphs() -> None:
    team = act(ToolAgent(ScriptedModel([UP, UP])), checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    async with Sessions(Counter()) as sessions, sessions.world(TASK) as world:
        stream = team.astream({"task": TASK}, config, context=TeamContext(world))
        nodes = [next(iter(update)) async for update in stream]
    assert nodes == ["reset", "policy", "policy"]
    assert (await team.aget_state(config)).values["steps"] == 2


def test_limits_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_steps=0"):
        acting(max_steps=0)
