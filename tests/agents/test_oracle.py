from __future__ import annotations

from typing import Any

import pytest

from symposia import Task
from symposia.agents import Answer, TeamState
from symposia.agents.oracle import Oracle, labelled

TASK = Task("t", "2 + 2?")


class Teacher(Oracle):
    async def __call__(self, state: TeamState) -> dict[str, Any]:
        return {"score": float(self.approves(state))}


def teacher() -> Teacher:
    return Teacher(lambda task, answer: (task.id, answer) == ("t", "4"), "teacher")


@pytest.mark.parametrize(("answer", "right"), [("4", True), ("5", False)])
async def test_an_oracle_knows_which_answers_are_right(answer: str, right: bool) -> None:
    state: TeamState = {"task": TASK, "draft": Answer(answer=answer)}
    assert teacher().approves(state) is right
    assert await teacher()(state) == {"score": float(right)}


def test_no_answer_is_not_a_right_one() -> None:
    assert teacher().approves({"task": TASK, "draft": None}) is False


def test_without_a_task_nobody_knows() -> None:
    with pytest.raises(ValueError, match="oracle teacher knows answers to tasks"):
        teacher().approves({"draft": Answer(answer="4")})


def test_an_oracle_and_its_teams_are_marked_by_their_names() -> None:
    assert teacher().name == "oracle teacher"
    assert labelled("class", teacher()) == "oracle_class"
    assert labelled("class", object()) == "class"
