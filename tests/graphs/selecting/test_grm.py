from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage

from symposia import Budget, ScriptedModel, Task, play
from symposia.agents import Verdict
from symposia.graphs.judge import Ballot, in_order
from symposia.graphs.selecting import grm
from symposia.graphs.selecting.grm import most_trusted, totals

TASK = Task("t", "Write a poem.")
GRADES = ((8, 2), (3, 6), (2, 7), (1, 9))
TRUST = (0.9, 0.8, 0.1, 0.2)


def ballots(grades: tuple[tuple[int, ...], ...], trust: tuple[float | None, ...]) -> list[Ballot]:
    return [
        Ballot("judge", (0, 1), Verdict(decision="accept", scores=tuple(s / 10 for s in each)), t)
        for each, t in zip(grades, trust, strict=True)
    ]


def test_all_readings_prefer_the_second_answer_and_the_two_most_trusted_the_first() -> None:
    everything = ballots(GRADES, TRUST)
    assert totals(everything) == [14, 24]
    assert totals(everything[:2]) == [11, 8]
    naive, guided = most_trusted(4)(everything, 2), most_trusted(2)(everything, 2)
    assert naive is not None and guided is not None
    assert (naive.winner, guided.winner) == (1, 0)
    assert guided.scores == (11 / 20, 8 / 20)


def test_equal_sums_leave_the_winner_open() -> None:
    verdict = most_trusted(2)(ballots(((8, 2), (2, 8)), (0.5, 0.5)), 2)
    assert verdict is not None
    assert (verdict.winner, verdict.decision) == (None, "revise")


def test_readings_whose_trust_is_unknown_come_last() -> None:
    verdict = most_trusted(1)(ballots(((8, 2), (2, 8)), (None, 0.0)), 2)
    assert verdict is not None
    assert verdict.winner == 1


def test_nothing_can_be_said_without_a_reading_of_every_answer() -> None:
    assert most_trusted(2)([], 2) is None
    assert most_trusted(2)(ballots(GRADES, TRUST), 3) is None


@given(
    st.lists(st.lists(st.integers(1, 10), min_size=3, max_size=3), min_size=1, max_size=5),
    st.data(),
)
def test_the_order_in_which_answers_are_shown_never_changes_the_sums(
    grades: list[list[int]], data: st.DataObject
) -> None:
    shown = []
    for each in grades:
        order = tuple(data.draw(st.permutations(range(3))))
        verdict = Verdict(decision="accept", scores=tuple(each[place] / 10 for place in order))
        shown.append(Ballot("judge", order, in_order(verdict, order)))
    assert totals(shown) == [sum(column) for column in zip(*grades, strict=True)]


class Studio:
    """Poets, a reward model that grades `red` and `blue` by the card, and a meta judge."""

    def __init__(self) -> None:
        self.poems = ["red", "blue"]
        self.readings = 0
        self.asked: list[str] = []

    def answer(self, messages: list[BaseMessage]) -> str:
        return f"<answer>{self.poems.pop(0)}</answer>"

    def judge(self, messages: list[BaseMessage]) -> str:
        text = messages[-1].text
        shown = re.findall(r"<answer>(red|blue)</answer>", text)
        grade = dict(zip(("red", "blue"), GRADES[self.readings], strict=True))
        scores = "".join(f"<scores>{grade[poem]}</scores>" for poem in shown)
        self.readings += 1
        principle = "<principles><name>rhyme</name><weight>0.5</weight></principles>"
        return f"{principle}<critique>reading {self.readings}</critique>{scores}"

    def trust(self, messages: list[BaseMessage]) -> str:
        text = messages[-1].text
        self.asked.append(text)
        reading = int(text.rpartition("reading ")[2])
        return f"<verdict>correct</verdict><score>{TRUST[reading - 1]}</score>"

    def team(self, k_meta: int | None = None) -> object:
        return grm(
            ScriptedModel(self.answer),
            n=2,
            readings=4,
            k_meta=k_meta,
            reward_model=ScriptedModel(self.judge),
            meta=ScriptedModel(self.trust),
        )


async def test_half_of_the_readings_count_those_that_the_meta_judge_trusts() -> None:
    studio = Studio()
    episode = await play(studio.team(), TASK)  # type: ignore[arg-type]
    assert episode.answer == "red"
    assert episode.total.calls == 2 + 4 + 4
    assert [episode.usage[name].calls for name in ("reward model", "meta judge")] == [4, 4]
    assert "rhyme (0.5)" in studio.asked[0]
    assert "grades, in order, from 1 to 10: " in studio.asked[0]


async def test_without_a_filter_nobody_is_asked_how_far_to_trust() -> None:
    studio = Studio()
    episode = await play(studio.team(k_meta=4), TASK)  # type: ignore[arg-type]
    assert (episode.answer, studio.asked) == ("blue", [])


async def test_grades_out_of_range_are_not_readable_and_the_majority_decides() -> None:
    model = ScriptedModel(lambda messages: "<scores>11</scores><scores>0</scores>")
    poets = ScriptedModel(
        ["<answer>red</answer>", "<answer>blue</answer>", "<answer>blue</answer>"]
    )
    episode = await play(grm(poets, 3, 2, reward_model=model), TASK)
    assert episode.answer == "blue"


async def test_a_budget_that_is_spent_while_judging_leaves_the_readings_so_far() -> None:
    studio = Studio()
    budget = Budget(calls=4)
    episode = await play(studio.team(k_meta=4), TASK, budget=budget)  # type: ignore[arg-type]
    assert episode.total.calls == 4
    assert episode.answer == "red"
    assert episode.outcome.stop == "budget of 4 model calls is spent"


@pytest.mark.parametrize(("readings", "k_meta"), [(4, 5), (4, 0), (0, None)])
def test_there_must_be_readings_to_count(readings: int, k_meta: int | None) -> None:
    with pytest.raises(ValueError, match="readings: choose from 1"):
        grm(ScriptedModel([]), readings=readings, k_meta=k_meta)
