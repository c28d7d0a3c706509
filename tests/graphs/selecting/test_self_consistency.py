from __future__ import annotations

import pytest

from symposia import Budget, ScriptedModel, Task, play
from symposia.graphs.selecting import self_consistency

TASK = Task("t", "2 + 2?")


def replies(*answers: object) -> ScriptedModel:
    return ScriptedModel([f"<answer>{answer}</answer>" for answer in answers])


async def test_the_commonest_of_five_answers_wins() -> None:
    episode = await play(self_consistency(replies(5, 4, 3, "4.", 6)), TASK)
    assert (episode.answer, episode.total.calls) == ("4", 5)


async def test_answers_that_cannot_be_read_have_no_vote() -> None:
    model = ScriptedModel(["hm", "hm", "hm", "hm", "<answer>4</answer>"])
    assert (await play(self_consistency(model), TASK)).answer == "4"


async def test_a_spent_budget_leaves_the_votes_so_far() -> None:
    episode = await play(self_consistency(replies(5, 4, 4)), TASK, budget=Budget(calls=3))
    assert (episode.answer, episode.total.calls) == ("4", 3)


def test_there_must_be_an_answer() -> None:
    with pytest.raises(ValueError, match="n of at least 1"):
        self_consistency(replies(), 0)
