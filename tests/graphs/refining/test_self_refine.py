from __future__ import annotations

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from symposia import ScriptedModel
from symposia.graphs.refining.self_refine import self_refine


def scripted(replies: list[str]) -> tuple[ScriptedModel, list[str]]:
    """A model that says `replies`, and what it read before each."""
    read: list[str] = []

    def reply(messages: list[BaseMessage]) -> str:
        read.append("\n".join(message.text for message in messages))
        return replies[len(read) - 1]

    return ScriptedModel(reply), read


CRITIQUE = "<verdict>{}</verdict><issues><reason>{}</reason></issues>"
REPLIES = [
    "<answer>a poem</answer>",
    CRITIQUE.format("incorrect", "it does not rhyme"),
    "<answer>a rhyming poem</answer>",
    CRITIQUE.format("correct", "it is a bit short"),
    "<answer>a long rhyming poem</answer>",
]


async def test_two_rounds_are_answer_critique_refine_critique_refine() -> None:
    model, read = scripted(REPLIES)
    final = await self_refine(model, rounds=2).ainvoke({"messages": [HumanMessage("Write!")]})
    assert final["answer"] == "a long rhyming poem"
    assert len(read) == 5
    _, critique, refined, second_critique, second_refined = read
    assert all("Write!" in seen for seen in read)
    assert "a poem" in critique
    assert "a poem" in refined
    assert "does not rhyme" in refined
    assert "a rhyming poem" in second_critique
    assert "a rhyming poem" in second_refined
    assert "a bit short" in second_refined


async def test_the_critic_meets_each_answer_in_a_fresh_context() -> None:
    model, read = scripted(REPLIES)
    await self_refine(model, rounds=2).ainvoke({"messages": [HumanMessage("Write!")]})
    assert "does not rhyme" not in read[3]
    assert "<answer>a poem</answer>" not in read[3]


async def test_a_satisfied_critic_does_not_end_the_rounds_early() -> None:
    model, read = scripted([REPLIES[0], REPLIES[3], REPLIES[2]])
    final = await self_refine(model).ainvoke({"messages": [HumanMessage("Write!")]})
    assert len(read) == 3
    assert final["answer"] == "a rhyming poem"


def test_a_negative_number_of_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="rounds=-1"):
        self_refine(ScriptedModel([]), rounds=-1)
