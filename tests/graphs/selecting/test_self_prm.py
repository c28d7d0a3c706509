from __future__ import annotations

import re

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from symposia import ScriptedModel, Task, play
from symposia.agents import Answer, Critique, Issue
from symposia.graphs.selecting import self_prm
from symposia.graphs.selecting.self_prm import ProcessCritic, steps_of

TASK = Task("t", "2 + 2?")
OK = "<first_error>-1</first_error><verdict>correct</verdict>"
BAD = "<first_error>0</first_error><verdict>incorrect</verdict>"


def solver(answers: list[int], reviews: dict[int, str]) -> ScriptedModel:
    left = list(answers)

    def reply(messages: list[BaseMessage]) -> str:
        shown = re.search(r"Proposed solution:\n\[0\] (\d+)", messages[-1].text)
        return reviews[int(shown[1])] if shown else f"<answer>{left.pop(0)}</answer>"

    return ScriptedModel(reply)


async def test_solutions_without_a_wrong_step_decide() -> None:
    episode = await play(self_prm(solver([7, 7, 7, 3, 3], {7: BAD, 3: OK}), 5), TASK)
    assert (episode.answer, episode.total.calls) == ("3", 10)


async def test_when_every_solution_has_a_wrong_step_all_are_voted_on() -> None:
    episode = await play(self_prm(solver([7, 7, 7, 3, 3], {7: BAD, 3: BAD}), 5), TASK)
    assert episode.answer == "7"


async def test_a_judgement_that_contradicts_itself_is_not_readable() -> None:
    twisted = "<first_error>2</first_error><verdict>correct</verdict>"
    episode = await play(self_prm(solver([7, 7, 3], {7: twisted, 3: OK}), 3), TASK)
    assert episode.answer == "3"
    assert sum(turn.unreadable for turn in episode.turns) == 2


async def test_the_critic_reads_numbered_steps_and_names_the_first_wrong_one() -> None:
    read: list[str] = []

    def reply(messages: list[BaseMessage]) -> str:
        read.append(messages[-1].text)
        return "<reasoning>hm</reasoning><first_error>1</first_error><verdict>incorrect</verdict>"

    draft = Answer(reasoning="2 + 2 = 4\n4 + 1 = 6", answer="6")
    state = {"messages": [HumanMessage("2 + 2 + 1?")], "draft": draft}
    update = await ProcessCritic(ScriptedModel(reply))(state)  # type: ignore[arg-type]
    assert read[0].endswith("Proposed solution:\n[0] 2 + 2 = 4\n[1] 4 + 1 = 6\n[2] 6")
    assert update["critique"] == Critique(
        reasoning="hm",
        verdict="incorrect",
        issues=(Issue(step=2, reason="the first wrong step"),),
    )


@pytest.mark.parametrize(
    ("reasoning", "steps"),
    [
        ("", []),
        ("one", ["one"]),
        ("one\ntwo\n", ["one", "two"]),
        ("one\nmore\n\ntwo", ["one\nmore", "two"]),
        ("\n\n\n", []),
    ],
)
def test_steps_are_paragraphs_else_lines(reasoning: str, steps: list[str]) -> None:
    assert steps_of(reasoning) == steps
