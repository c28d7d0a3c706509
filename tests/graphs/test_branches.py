from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from symposia import Actor, Budget, Critic, Judge, ScriptedModel, Task, answer, play, refine
from symposia.agents import Answer, Person, TeamState
from symposia.graphs import Team, sample
from symposia.graphs.branches import BranchesFailedError

TASK = Task("t", "2 + 2?")
START: TeamState = {"task": TASK, "messages": [HumanMessage("2 + 2?")]}
THREAD: Any = {"configurable": {"thread_id": "1"}}


def says(reply: Any, name: str = "actor", seconds: float = 0.0) -> Actor:
    """An actor that says the same at every call."""
    return Actor(ScriptedModel(lambda messages: reply, latency=seconds), name=name)


def counting(calls: list[str]) -> ScriptedModel:
    """A model whose replies are numbered, over all calls."""

    def reply(messages: object) -> str:
        calls.append("asked")
        return f"<answer>{len(calls)}</answer>"

    return ScriptedModel(reply)


async def test_the_order_is_that_of_the_branches_whichever_ends_first() -> None:
    team = sample([says("<answer>slow</answer>", seconds=0.05), says("<answer>fast</answer>")])
    final = await team.ainvoke(START)
    assert [each.value for each in final["candidates"]] == ["slow", "fast"]
    assert [each.branch for each in final["candidates"]] == ["0", "1"]


async def test_a_branch_that_fails_says_so_and_stops_no_other() -> None:
    members = [
        says(ValueError("no such deployment"), "broken"),
        says("<answer>4</answer>", "slow", seconds=0.05),
    ]
    final = await sample(members).ainvoke(START)
    broken, slow = final["candidates"]
    assert (broken.by, broken.draft) == ("broken", None)
    assert "no such deployment" in broken.error
    assert (slow.value, slow.error, final["answer"]) == ("4", "", "4")


async def test_when_every_branch_fails_the_first_error_is_told() -> None:
    team = sample([says(ValueError("one")), says(ValueError("two"))])
    with pytest.raises(BranchesFailedError, match=r"each of 2 branches failed.*one"):
        await team.ainvoke(START)
    episode = await play(team, TASK)
    assert (episode.outcome.stop, episode.answer) == ("error", "")
    assert "each of 2 branches failed" in episode.outcome.error


def not_async(state: TeamState) -> dict[str, Any]:
    return {"draft": Answer(answer="4")}


async def bare(state: TeamState) -> Any:
    return "4"


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (not_async, "member 'not_async' is not async: write it with `async def`"),
        (bare, "member 'bare' returned '4': it has to return an update"),
    ],
)
async def test_a_function_that_is_no_member_is_told_how_to_be_one(
    member: Any, message: str
) -> None:
    with pytest.raises(BranchesFailedError, match=message):
        await sample(member, 2).ainvoke(START)


async def test_when_no_branch_can_be_read_there_is_no_answer_and_no_error() -> None:
    episode = await play(sample([says("hm"), says("x" * 100_000)]), TASK)
    assert (episode.answer, episode.outcome.error) == ("", "")
    assert all(turn.unreadable for turn in episode.turns)


async def test_calls_carry_the_ids_of_the_branches_that_they_were_made_in() -> None:
    inner = sample(says("<answer>1</answer>", "inner"), 2, name="inner")
    outer = sample([says("<answer>2</answer>", "outer"), inner])
    episode = await play(outer, TASK)
    assert sorted((turn.agent, turn.branch) for turn in episode.turns) == [
        ("inner", "1/0"),
        ("inner", "1/1"),
        ("outer", "0"),
    ]


async def test_a_review_is_a_call_of_the_branch_that_it_reviews() -> None:
    critic = Critic(ScriptedModel(lambda messages: "<verdict>correct</verdict>"))
    team = sample(says("<answer>1</answer>"), 2, review=critic)
    episode = await play(sample([says("<answer>2</answer>", "outer"), team]), TASK)
    assert sorted(turn.branch for turn in episode.turns if turn.agent == "critic") == ["1/0", "1/1"]
    assert sorted(turn.branch for turn in episode.turns if turn.agent == "actor") == ["1/0", "1/1"]


async def test_after_a_fan_out_calls_are_on_the_trunk_again() -> None:
    judge = Judge(ScriptedModel(lambda messages: "<decision>accept</decision>"))

    async def choose(state: TeamState) -> dict[str, Any]:
        return await judge({**state, "draft": state["candidates"][0].draft})

    episode = await play(sample(says("<answer>1</answer>"), 2, select=choose), TASK)
    assert [turn.branch for turn in episode.turns if turn.agent == "judge"] == [""]


@pytest.mark.parametrize("calls", [0, 1, 3])
async def test_a_budget_that_is_spent_in_mid_fan_out_leaves_what_there_is(calls: int) -> None:
    team = sample(says("<answer>4</answer>"), 5)
    episode = await play(team, TASK, budget=Budget(calls=calls))
    assert episode.answer == ("4" if calls else "")
    assert episode.total.calls == calls
    assert episode.outcome.stop == f"budget of {calls} model calls is spent"
    assert episode.outcome.error == ""


async def test_a_team_says_that_its_reviewer_ran_out_of_budget() -> None:
    critic = Critic(ScriptedModel(lambda messages: "<verdict>correct</verdict>"))
    seen: dict[str, Any] = {}

    async def keep(state: TeamState) -> dict[str, Any]:
        seen.update(await sample(says("<answer>4</answer>"), 2, review=critic).ainvoke(state))
        return {"draft": seen["draft"]}

    await play(answer(keep), TASK, budget=Budget(calls=2))
    assert seen["answer"] == "4"
    assert seen["stop"] == "budget of 2 model calls is spent"


async def test_what_a_branch_says_is_streamed_when_it_ends() -> None:
    team = sample([says("<answer>slow</answer>", seconds=0.05), says("<answer>fast</answer>")])
    heard = []
    async for _, update in team.astream(START, stream_mode="updates", subgraphs=True):
        heard += [each.value for each in (update.get("answer.actor") or {}).get("gathered", ())]
        heard += [each.value for each in (update.get("answer.actor-2") or {}).get("gathered", ())]
    assert heard == ["fast", "slow"]


async def test_a_draft_is_streamed_before_its_review() -> None:
    critic = Critic(ScriptedModel(lambda messages: "<verdict>correct</verdict>", latency=0.05))
    team = sample(says("<answer>4</answer>"), 1, review=critic)
    heard = []
    async for update in team.astream(START, stream_mode="updates"):
        for node, change in update.items():
            heard.append((node, change[0]["draft"].value if node == "propose" else ""))
    assert heard == [("begin", ""), ("propose", "4"), ("answer", ""), ("select", "")]


async def test_members_of_nested_teams_are_streamed_from_within() -> None:
    team = sample([refine(says("<answer>4</answer>"), approving()), says("<answer>5</answer>")])
    nodes = {
        (bool(inside), node)
        async for inside, update in team.astream(START, stream_mode="updates", subgraphs=True)
        for node in update
    }
    assert {(True, "draft"), (True, "critique"), (False, "select")} <= nodes


def approving() -> Critic:
    return Critic(ScriptedModel(lambda messages: "<verdict>correct</verdict>"))


async def test_a_branch_that_is_done_is_not_played_again_when_the_team_goes_on() -> None:
    calls: list[str] = []
    attempts: list[str] = []

    async def choose(state: TeamState) -> dict[str, Any]:
        attempts.append("asked")
        if len(attempts) == 1:
            raise RuntimeError("the judge's server is down")
        return {"draft": state["candidates"][-1].draft}

    team = sample(Actor(counting(calls)), 3, select=choose, checkpointer=InMemorySaver())
    with pytest.raises(RuntimeError, match="server is down"):
        await team.ainvoke(START, THREAD)
    final = await team.ainvoke(None, THREAD)
    assert (final["answer"], len(calls), len(attempts)) == ("3", 3, 2)


async def test_a_pause_in_one_branch_stops_no_other() -> None:
    calls: list[str] = []
    person = Person("author", output=Answer, writes="draft", question="What do you say?")
    team = sample([Actor(counting(calls)), person], checkpointer=InMemorySaver())
    paused = await team.ainvoke(START, THREAD)
    assert [pause.value["person"] for pause in paused["__interrupt__"]] == ["author"]
    assert len(calls) == 1
    final = await team.ainvoke(Command(resume={"answer": "four"}), THREAD)
    assert [each.value for each in final["candidates"]] == ["1", "four"]
    assert len(calls) == 1


async def test_a_person_judges_the_very_draft_that_they_were_shown() -> None:
    calls: list[str] = []
    team = sample(
        Actor(counting(calls)),
        2,
        review=Person(),
        select=lambda candidates: next(i for i, each in enumerate(candidates) if each.score),
        checkpointer=InMemorySaver(),
    )
    paused = await team.ainvoke(START, THREAD)
    shown = {pause.value["draft"]["answer"]: pause.id for pause in paused["__interrupt__"]}
    assert sorted(shown) == ["1", "2"]
    said = {shown["1"]: {"decision": "revise"}, shown["2"]: {"decision": "accept"}}
    final = await team.ainvoke(Command(resume=said), THREAD)
    assert (final["answer"], len(calls)) == ("2", 2)
    assert [each.verdict.decision for each in final["candidates"]] == ["revise", "accept"]


async def test_what_a_person_reviews_is_kept_on_disk(tmp_path: Path) -> None:
    def team(model: ScriptedModel, saver: AsyncSqliteSaver) -> Team:
        return sample(Actor(model), 2, review=Person(), checkpointer=saver)

    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "kept")) as saver:
        paused = await team(counting([]), saver).ainvoke(START, THREAD)
    said = {pause.id: {"decision": "accept"} for pause in paused["__interrupt__"]}
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "kept")) as saver:
        final = await team(ScriptedModel([]), saver).ainvoke(Command(resume=said), THREAD)
    assert [each.value for each in final["candidates"]] == ["1", "2"]
    assert [each.verdict.decision for each in final["candidates"]] == ["accept", "accept"]


async def test_a_person_deep_in_a_nested_team_may_pause_a_branch() -> None:
    calls: list[str] = []
    nested = refine(Actor(counting(calls)), approving(), Person(), rounds=1)
    team = sample([says("<answer>9</answer>"), nested], checkpointer=InMemorySaver())
    paused = await team.ainvoke(START, THREAD)
    assert [pause.value["draft"]["answer"] for pause in paused["__interrupt__"]] == ["1"]
    final = await team.ainvoke(Command(resume={"decision": "accept"}), THREAD)
    assert [each.value for each in final["candidates"]] == ["9", "1"]
    assert len(calls) == 1


async def test_a_team_that_is_cancelled_cancels_its_branches() -> None:
    ended: list[str] = []

    async def member(state: TeamState) -> dict[str, Any]:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("cancelled")
        return {}

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sample([member, member]).ainvoke(START), 0.05)
    assert ended == ["cancelled"] * 2
