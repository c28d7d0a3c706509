from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage

from symposia import ScriptedModel, Task, play
from symposia.graphs.selecting import self_check, self_consistency

TASK = Task("t", "2 + 2?")


def solver(answers: list[int], right: dict[int, str]) -> ScriptedModel:
    """A model that gives these answers, and this verdict on each."""
    left = list(answers)

    def reply(messages: list[BaseMessage]) -> str:
        shown = re.search(r"Proposed reply:\n<answer>(\d+)<", messages[-1].text)
        return right[int(shown[1])] if shown else f"<answer>{left.pop(0)}</answer>"

    return ScriptedModel(reply)


OK, BAD = "<verdict>correct</verdict>", "<verdict>incorrect</verdict>"


async def test_the_majority_says_3_and_self_check_says_5() -> None:
    answers = [3, 3, 3, 5, 5]
    assert (await play(self_consistency(solver(answers, {}), 5), TASK)).answer == "3"
    episode = await play(self_check(solver(answers, {3: BAD, 5: OK}), 5), TASK)
    assert (episode.answer, episode.total.calls) == ("5", 10)


async def test_when_nothing_is_left_all_are_voted_on() -> None:
    assert (await play(self_check(solver([3, 3, 5], {3: BAD, 5: BAD}), 3), TASK)).answer == "3"


async def test_a_verdict_that_cannot_be_read_saves_no_answer() -> None:
    assert (await play(self_check(solver([3, 3, 5], {3: "fine", 5: OK}), 3), TASK)).answer == "5"


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=5))
async def test_a_critic_that_finds_everything_right_changes_nothing(answers: list[int]) -> None:
    checked = await play(
        self_check(solver(answers, dict.fromkeys(answers, OK)), len(answers)), TASK
    )
    voted = await play(self_consistency(solver(answers, {}), len(answers)), TASK)
    assert checked.answer == voted.answer
