from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from symposia import ScriptedModel
from symposia.agents import Candidate
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs.refining.magicore import hard, magicore
from symposia.graphs.refining.rewards import OUTCOME, PROCESS, Rewards, Solution, confidence
from symposia.graphs.selectors import graded, weighted

TASK = Task("t", "6 * 7?")
STATE: Any = {"task": TASK, "messages": [HumanMessage(TASK.prompt)]}


def chain(answer: object, outcome: float = 0.5, process: float = 0.5) -> Candidate:
    return Candidate(
        by="solver",
        draft=Solution(steps=("s",), answer=str(answer)),
        score=outcome + process,
        measures={OUTCOME: outcome, PROCESS: process},
    )


def says(answer: object) -> str:
    return f"<steps>6 and 7</steps><steps>gives {answer}</steps><answer>{answer}</answer>"


def rewards(worth: Mapping[str, float]) -> Any:
    """Grades solutions by their answers: the outcome, and both steps."""

    async def reward(state: Any) -> Rewards:
        given = worth[state["draft"].value]
        return Rewards(given, (1.0, given))

    return reward


REVIEW = "<verdict>incorrect</verdict><issues><step>2</step><reason>too low</reason></issues>"


@pytest.mark.parametrize(
    ("answers", "sure"), [("a", 1.0), ("aaa", 1.0), ("ab", 2 / 3), ("aabb", 2 / 3), ("abcd", 0.4)]
)
def test_confidence_falls_with_the_spread_of_answers(answers: str, sure: float) -> None:
    pool = [chain(answer) for answer in answers]
    assert confidence(pool, OUTCOME) == pytest.approx(sure)
    assert confidence(pool, PROCESS) == pytest.approx(sure)


def test_chains_without_any_reward_weigh_the_same() -> None:
    assert confidence([chain("a", 0, 0), chain("b", 0, 0)], OUTCOME) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("answers", "worth", "wanted"),
    [
        ("abcd", 0.4, True),
        ("abcd", 0.6, False),
        ("aab", 0.4, False),
        ("abc", 0.4, False),
        ("", 0, False),
    ],
)
def test_a_question_is_hard_when_answers_are_both_poor_and_spread(
    answers: str, worth: float, wanted: bool
) -> None:
    assert hard([chain(each, worth, worth) for each in answers], usual=1.0) == wanted


def test_one_kind_of_reward_that_is_spread_is_enough() -> None:
    pool = [chain("a", 0.9, 0.01), *[chain(each, 0.01, 0.01) for each in "bcd"]]
    assert hard(pool, usual=1.0)


def test_one_chain_of_high_worth_outvotes_three_of_low() -> None:
    pool = [*[chain("a", 0.1, 0.1)] * 3, chain("b", 0.9, 0.9)]
    assert weighted(graded)(pool) == 3


async def solved(answers: list[object], refined: list[object], worth: Any, **options: Any) -> Any:
    team = magicore(
        ScriptedModel([says(each) for each in answers]),
        rewards(worth),
        reviewer=ScriptedModel([REVIEW] * len(refined)),
        refiner=ScriptedModel([says(each) for each in refined]),
        chains=len(answers),
        **options,
    )
    return await team.ainvoke(STATE)


async def test_an_easy_question_is_voted_on_and_never_reviewed() -> None:
    worth = {"42": 0.9, "41": 0.2}
    state = await solved([41, 41, 41, 42], [], worth, usual=0.1)
    assert state["answer"] == "42"
    assert len(state["candidates"]) == 4


async def test_a_hard_question_is_reviewed_refined_and_put_to_the_vote() -> None:
    worth = {"1": 0.1, "2": 0.1, "3": 0.1, "4": 0.1, "42": 0.9}
    state = await solved([1, 2, 3, 4], [42, 42, 42, 42], worth)
    assert state["answer"] == "42"
    assert [each.value for each in state["candidates"]] == ["42"] * 4
    assert state["candidates"][0].branch == "1.0"


async def test_refined_chains_that_are_worse_displace_nobody() -> None:
    worth = {"1": 0.3, "2": 0.3, "3": 0.3, "4": 0.35, "9": 0.05}
    state = await solved([1, 2, 3, 4], [9] * 12, worth)
    assert sorted(each.value for each in state["candidates"]) == ["1", "2", "3", "4"]
    assert state["answer"] == "4"


@pytest.mark.parametrize(("iterations", "calls"), [(0, 4), (1, 12), (3, 28)])
async def test_a_question_that_stays_hard_is_refined_so_often(iterations: int, calls: int) -> None:
    def reply(messages: list[BaseMessage]) -> str:
        if "review solutions" in messages[0].text:
            return REVIEW
        return says(next(number))

    number = iter(range(99))
    low = rewards({str(each): 0.1 for each in range(99)})
    episode = await play(magicore(ScriptedModel(reply), low, chains=4, iterations=iterations), TASK)
    assert episode.total.calls == calls
    assert sum(turn.agent == "reviewer" for turn in episode.turns) == 4 * iterations


def read(episode: Episode, agent: str) -> list[str]:
    return [
        "\n\n".join(message["content"] for message in turn.messages)
        for turn in episode.turns
        if turn.agent == agent
    ]


async def test_the_reviewer_sees_the_grade_of_each_step_and_the_refiner_the_review() -> None:
    team = magicore(
        ScriptedModel([says(n) for n in range(4)]),
        rewards({str(n): 0.2 for n in range(9)}),
        reviewer=ScriptedModel([REVIEW] * 4),
        refiner=ScriptedModel([says(n) for n in range(4, 8)]),
        chains=4,
        iterations=1,
    )
    episode = await play(team, TASK)
    reviews = read(episode, "reviewer")
    assert all("Step 1: 10/10\nStep 2: 2/10" in each for each in reviews)
    assert [sum(f"gives {n}" in each for each in reviews) for n in range(4)] == [1] * 4
    assert all("too low" in each for each in read(episode, "refiner"))


async def test_a_model_may_grade_in_the_place_of_reward_models() -> None:
    def reply(messages: list[BaseMessage]) -> str:
        if "Grade the proposed" in messages[0].text:
            good = 0.9 if "gives 42" in messages[-1].text else 0.1
            return f"<steps>1</steps><steps>{good}</steps><outcome>{good}</outcome>"
        return says(next(answers))

    answers = iter([41, 41, 42])
    episode = await play(magicore(ScriptedModel(reply), chains=3, usual=0.1), TASK)
    assert (episode.answer, episode.total.calls) == ("42", 6)


@pytest.mark.parametrize(
    "grades", ["hm", "<steps>1</steps><outcome>1</outcome>", "<outcome>2</outcome>"]
)
async def test_grades_that_do_not_fit_the_steps_count_for_nothing(grades: str) -> None:
    def reply(messages: list[BaseMessage]) -> str:
        return grades if "Grade the proposed" in messages[0].text else says(42)

    state = await magicore(ScriptedModel(reply), chains=2, usual=0.0).ainvoke(STATE)
    assert [each.score for each in state["candidates"]] == [0.0, 0.0]
    assert state["answer"] == "42"


async def test_chains_that_fail_or_mumble_are_left_out() -> None:
    team = magicore(
        ScriptedModel([RuntimeError("away"), "hm", says(42)]), rewards({"42": 0.9}), chains=3
    )
    assert (await team.ainvoke(STATE))["answer"] == "42"


@pytest.mark.parametrize("calls", [4, 5, 9])
async def test_a_spent_budget_leaves_the_vote_of_what_there_is(calls: int) -> None:
    worth = {"1": 0.3, "2": 0.2, "3": 0.2, "4": 0.2}
    team = magicore(
        ScriptedModel([says(n) for n in (1, 2, 3, 4)]),
        rewards(worth),
        reviewer=ScriptedModel([REVIEW] * 4),
        refiner=ScriptedModel([says(4)] * 4),
        chains=4,
    )
    episode = await play(team, TASK, budget=Budget(calls=calls))
    assert episode.outcome.stop == f"budget of {calls} model calls is spent"
    assert episode.total.calls == calls
    assert episode.answer in ("1", "4")


def test_there_must_be_something_to_do() -> None:
    with pytest.raises(ValueError, match="chains=0"):
        magicore(ScriptedModel([]), chains=0)
