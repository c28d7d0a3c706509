from __future__ import annotations

from collections.abc import Sequence

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from symposia import Actor, Budget, Critic, ScriptedModel, Task, play
from symposia.agents import TeamState
from symposia.graphs import review

TASK = Task("t", "2 + 2?")
START: TeamState = {"task": TASK, "messages": [HumanMessage("2 + 2?")]}


def answers(*values: object) -> ScriptedModel:
    return ScriptedModel([f"<answer>{value}</answer>" for value in values])


def verdicts(*values: str) -> ScriptedModel:
    return ScriptedModel([f"<verdict>{value}</verdict>" for value in values])


async def test_each_solution_is_read_several_times_and_revised_by_each_reading() -> None:
    shown: list[str] = []

    def read(messages: list[BaseMessage]) -> str:
        shown.append(messages[-1].text)
        return "<verdict>incorrect</verdict><suggestion>4</suggestion>"

    team = review(
        Actor(answers(5, 3)),
        Critic(ScriptedModel(read)),
        Actor(answers(4, 4, 5, 4), name="reviser"),
        solutions=2,
        readings=2,
    )
    episode = await play(team, TASK)
    assert episode.answer == "4"
    assert [(turn.agent, turn.branch) for turn in episode.turns] == [
        ("actor", "0"),
        ("actor", "1"),
        *(("critic", branch) for branch in ("0/0", "0/1", "1/0", "1/1")),
        *(("reviser", branch) for branch in ("0/0/0", "0/1/0", "1/0/0", "1/1/0")),
    ]
    assert ["5" in text for text in shown] == [True, True, False, False]
    revision = episode.turns[-1].messages
    assert "3" in revision[-2]["content"] and "A critic reviewed" in revision[-1]["content"]


async def test_without_a_reviser_the_commonest_solution_wins() -> None:
    critic = verdicts(*["correct"] * 3)
    team = review(Actor(answers(5, 4, "4.0")), Critic(critic), solutions=3)
    episode = await play(team, TASK)
    assert (episode.answer, episode.total.calls) == ("4", 6)


async def test_what_cannot_be_read_is_neither_read_on_nor_revised() -> None:
    solver = ScriptedModel(["hm", "<answer>4</answer>"])
    critic = ScriptedModel(["well", "<verdict>correct</verdict>"])
    team = review(
        Actor(solver), Critic(critic), Actor(answers(7), name="r"), solutions=2, readings=2
    )
    episode = await play(team, TASK)
    assert [turn.branch for turn in episode.turns] == ["0", "1", "1/0", "1/1", "1/1/0"]
    silent = review(Actor(ScriptedModel(["hm"])), Critic(verdicts()))
    assert (await play(silent, TASK)).total.calls == 1


async def test_a_choice_says_which_solutions_are_read() -> None:
    def last(state: TeamState, readable: Sequence[int]) -> Sequence[int]:
        assert state["task"].id == "t"
        return readable[-1:]

    team = review(Actor(answers(1, 2, 3)), Critic(verdicts("correct")), solutions=3, chosen=last)
    episode = await play(team, TASK)
    assert [turn.branch for turn in episode.turns] == ["0", "1", "2", "2/0"]
    nobody = review(Actor(answers(1)), Critic(verdicts()), chosen=lambda state, readable: [])
    assert (await play(nobody, TASK)).answer == "1"
    odd = review(Actor(answers(1)), Critic(verdicts()), chosen=lambda state, readable: [4])
    with pytest.raises(ValueError, match=r"\[4\] cannot be read: solutions \[0\] can"):
        await odd.ainvoke(START)


async def test_a_spent_budget_leaves_the_best_so_far() -> None:
    team = review(Actor(answers(4)), Critic(verdicts("incorrect")), Actor(answers(), name="r"))
    episode = await play(team, TASK, budget=Budget(calls=2))
    assert (episode.answer, episode.total.calls) == ("4", 2)
    assert "budget" in episode.outcome.stop


def test_numbers_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="readings=0: it must be at least 1"):
        review(Actor(answers()), Critic(verdicts()), readings=0)
