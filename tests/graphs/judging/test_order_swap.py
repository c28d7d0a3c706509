from __future__ import annotations

import re

import pytest
from langchain_core.messages import BaseMessage

from symposia import ScriptedModel, Task, play
from symposia.graphs.judging import order_swap

TASK = Task("t", "Say something nice.")


def model(answers: list[str], verdict: str, second: str | None = None) -> ScriptedModel:
    """A model that answers, and as a judge says `verdict` with the place of `nice` filled in, or
    the second one when it reads from last to first."""
    left = list(answers)

    def reply(messages: list[BaseMessage]) -> str:
        shown = re.findall(r"Proposed reply \d+:\n<answer>(.*?)</answer>", messages[-1].text)
        if not shown:
            return f"<answer>{left.pop(0)}</answer>"
        said = verdict if shown == answers or second is None else second
        return said.format(nice=shown.index("nice"))

    return ScriptedModel(reply)


WINNER = "<decision>accept</decision><winner>{nice}</winner>"
FIRST = "<decision>accept</decision><winner>0</winner>"
GRADED = "<decision>accept</decision><winner>0</winner><scores>0.9</scores><scores>0.2</scores>"


async def test_a_preference_that_holds_in_both_orders_decides() -> None:
    episode = await play(order_swap(model(["rude", "nice"], WINNER)), TASK)
    assert (episode.answer, episode.total.calls) == ("nice", 4)


@pytest.mark.parametrize("verdict", [FIRST, GRADED])
async def test_a_judge_that_prefers_the_first_place_decides_nothing(verdict: str) -> None:
    team = order_swap(model(["rude", "nice"], verdict))
    assert (await play(team, TASK)).answer == "rude"
    final = await order_swap(model(["nice", "rude"], verdict)).ainvoke({"task": TASK})
    assert (final["answer"], final["verdict"].winner) == ("nice", None)


@pytest.mark.parametrize("second", ["no idea", "<decision>revise</decision>"])
async def test_one_reading_alone_is_no_agreement(second: str) -> None:
    final = await order_swap(model(["rude", "nice"], WINNER, second)).ainvoke({"task": TASK})
    assert (final["answer"], final["verdict"].winner) == ("rude", None)


async def test_several_answers_may_be_compared() -> None:
    team = order_swap(model(["rude", "dull", "nice", "dull"], WINNER), 4)
    assert (await play(team, TASK)).answer == "nice"
