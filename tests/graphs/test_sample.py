from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from symposia import Actor, Budget, Critic, Judge, ScriptedModel, Task, play
from symposia.agents import Answer, Person, Ranker, TeamState
from symposia.graphs import sample
from symposia.graphs.selectors import best, filtered, graded, majority

TASK = Task("t", "2 + 2?")
START: TeamState = {"task": TASK, "messages": [HumanMessage("2 + 2?")]}


def answers(*values: object) -> list[Actor]:
    """An actor for each answer."""
    return [Actor(ScriptedModel([f"<answer>{value}</answer>"])) for value in values]


def ranker(reply: str) -> Ranker:
    return Ranker(ScriptedModel([reply]))


async def test_the_answer_that_most_give_wins() -> None:
    episode = await play(sample(answers(5, 4, "4.0", 3)), TASK)
    assert (episode.answer, episode.total.calls) == ("4", 4)


@pytest.mark.parametrize(
    ("select", "error", "message"),
    [
        ("majority", TypeError, "'majority' cannot choose: give a member, or a function"),
        (lambda candidates: 2, ValueError, "the selector chose 2; places are 0 to 1"),
        (lambda candidates: "4", ValueError, "the selector chose '4'; places are 0 to 1"),
    ],
)
async def test_what_cannot_choose_is_an_error_that_says_so(
    select: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await sample(answers(5, 4), select=select).ainvoke(START)


async def test_one_member_may_answer_several_times_and_knows_of_no_other_answer() -> None:
    read: list[str] = []

    def reply(messages: list[BaseMessage]) -> str:
        read.append("\n".join(message.text for message in messages))
        return f"<answer>{len(read)}</answer>"

    episode = await play(sample(Actor(ScriptedModel(reply)), 4), TASK)
    assert (len(read), episode.answer) == (4, "1")
    assert len(set(read)) == 1


async def test_a_reviewer_sees_the_answer_of_its_branch_only_and_its_grade_counts() -> None:
    grades = {"1": 0.2, "2": 0.9, "3": 0.4}

    def grade(messages: list[BaseMessage]) -> str:
        shown = [answer for answer in grades if f"<answer>{answer}<" in messages[-1].text]
        assert len(shown) == 1
        return f"<decision>revise</decision><scores>{grades[shown[0]]}</scores>"

    team = sample(answers(1, 2, 3), review=Judge(ScriptedModel(grade)), select=best(graded))
    final = await team.ainvoke(START)
    assert final["answer"] == "2"
    assert [each.score for each in final["candidates"]] == [0.2, 0.9, 0.4]


async def test_answers_that_nobody_vouches_for_are_all_voted_on() -> None:
    critic = Critic(ScriptedModel(lambda messages: "<verdict>incorrect</verdict>"))
    team = sample(answers(7, 3, 3), review=critic, select=filtered(lambda each: bool(each.score)))
    assert (await play(team, TASK)).answer == "3"


async def test_a_member_may_read_them_all_and_choose() -> None:
    episode = await play(
        sample(answers(4, 5, 5), select=ranker("<decision>accept</decision><winner>0</winner>")),
        TASK,
    )
    assert episode.answer == "4"
    shown = episode.turns[-1].messages[-1]["content"]
    assert "Proposed reply 0:\n<answer>4</answer>" in shown
    assert "Proposed reply 2:\n<answer>5</answer>" in shown


async def test_a_member_may_choose_by_grades() -> None:
    graded_ = "<decision>revise</decision>" + "".join(
        f"<scores>{score}</scores>" for score in (0.1, 0.3, 0.2)
    )
    assert (await play(sample(answers(4, 5, 6), select=ranker(graded_)), TASK)).answer == "5"


async def test_a_member_may_write_an_answer_of_its_own() -> None:
    async def merge(state: TeamState) -> dict[str, Any]:
        total = sum(int(each.value) for each in state["candidates"])
        return {"draft": Answer(answer=str(total))}

    final = await sample(answers(4, 5), select=merge).ainvoke(START)
    assert (final["answer"], len(final["candidates"])) == ("9", 2)


class Longest:
    """A member that is neither an agent nor a plain function."""

    name = "longest"

    async def __call__(self, state: TeamState) -> dict[str, Any]:
        return {"draft": max((each.draft for each in state["candidates"]), key=lambda d: d.value)}


async def test_an_object_with_an_async_call_is_a_member_and_no_selector() -> None:
    assert (await play(sample(answers(4, 5), select=Longest()), TASK)).answer == "5"


@pytest.mark.parametrize(
    "reply",
    [
        "I cannot say, they are all fine.",
        "",
        "x" * 100_000,
        "<decision>accept</decision><winner>7</winner>",
        "<decision>accept</decision><winner>-1</winner>",
        "<decision>accept</decision><winner>first</winner>",
        "<decision>accept</decision><winner>0</winner><winner>1</winner>",
        "<decision>accept</decision><scores>0.9</scores>",
        "<decision>accept</decision><scores>9</scores><scores>1</scores><scores>1</scores>",
        "<decision>revise</decision>",
    ],
)
async def test_where_a_judge_does_not_judge_the_majority_decides(reply: str) -> None:
    assert (await play(sample(answers(4, 5, 5), select=ranker(reply)), TASK)).answer == "5"


async def test_a_judge_cannot_choose_a_reply_that_was_not_readable() -> None:
    members = [Actor(ScriptedModel(["hm"])), *answers(5)]
    chooser = ranker("<decision>accept</decision><winner>0</winner>")
    assert (await play(sample(members, select=chooser), TASK)).answer == "5"


async def test_a_judge_without_budget_leaves_the_choice_to_the_majority() -> None:
    chooser = ranker("<decision>accept</decision><winner>0</winner>")
    episode = await play(sample(answers(4, 5, 5), select=chooser), TASK, budget=Budget(calls=3))
    assert (episode.answer, episode.total.calls) == ("5", 3)
    assert episode.outcome.stop == "budget of 3 model calls is spent"


async def test_a_person_may_choose() -> None:
    team = sample(answers(4, 5, 5), select=Person(), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    paused = await team.ainvoke(START, config)
    assert paused["__interrupt__"][0].value["candidates"] == ["4", "5", "5"]
    final = await team.ainvoke(Command(resume={"decision": "accept", "winner": 0}), config)
    assert final["answer"] == "4"


async def test_a_nested_team_gives_back_a_draft_and_leaves_the_conversation_alone() -> None:
    inner = sample(answers(4, 4), name="inner")
    final = await sample([inner, *answers(5)]).ainvoke(START)
    assert [each.by for each in final["candidates"]] == ["inner", "actor"]
    assert final["answer"] == "4"
    assert "messages" not in final


async def test_a_team_may_be_used_again() -> None:
    team = sample(Actor(ScriptedModel(lambda messages: "<answer>4</answer>")), 2)
    for _ in range(2):
        assert len((await team.ainvoke(START))["candidates"]) == 2


REPLIES = ["<answer>1</answer>", "<answer>2</answer>", "mumble", "error"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(REPLIES), min_size=1, max_size=5),
    st.none() | st.integers(0, 6),
    st.sampled_from(["winner", "mumble", None]),
)
async def test_it_always_ends_within_its_budget_with_an_answer_if_there_was_one(
    replies: list[str], calls: int | None, choice: str | None
) -> None:
    members = [
        Actor(ScriptedModel([ValueError("down") if reply == "error" else reply]))
        for reply in replies
    ]
    verdict = "<decision>accept</decision><winner>0</winner>" if choice == "winner" else "mumble"
    team = sample(members, select=ranker(verdict) if choice else majority)
    episode = await play(team, TASK, budget=Budget(calls=calls))
    assert episode.total.calls <= (len(replies) + bool(choice) if calls is None else calls)
    answered = [turn for turn in episode.turns if turn.agent == "actor" and turn.parsed]
    assert bool(episode.answer) == bool(answered)
    asked = calls is None or calls >= len(replies)
    assert bool(episode.outcome.error) == (asked and set(replies) == {"error"})


def test_it_draws_itself_with_its_members() -> None:
    drawn = sample([*answers(1), Actor(ScriptedModel([]), name="poet")]).get_graph().draw_mermaid()
    assert "answer.actor" in drawn
    assert "answer.poet" in drawn


@pytest.mark.parametrize(
    ("members", "n", "message"),
    [
        ([], None, "nobody to answer"),
        (Actor(ScriptedModel([])), 0, "nobody to answer"),
        (answers(1, 2), 3, "n=3, but 2 members"),
    ],
)
def test_a_fan_out_needs_somebody(members: Any, n: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample(members, n)
