from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from symposia import ScriptedModel, Task, play
from symposia.episodes import Budget
from symposia.graphs.refining.ocr_agent import AGAIN, ocr_agent, within_ability

NOTES = "<tried>reading left to right</tried><avoid>guessing</avoid><direction>by rows</direction>"


def diagnosis(*plan: str) -> str:
    steps = "".join(f"<plan>{step}</plan>" for step in plan)
    return f"<diagnosis>the total is wrong</diagnosis>{steps}"


def replies(*plans: tuple[str, ...]) -> list[str]:
    said = ["<answer>0</answer>"]
    for number, plan in enumerate(plans, 1):
        said += [diagnosis(*plan), NOTES, f"<answer>{number}</answer>"]
    return said


def scripted(said: list[Any]) -> tuple[ScriptedModel, list[str]]:
    """A model that says so, and what it read before each reply, without the system's words."""
    read: list[str] = []

    def reply(messages: list[BaseMessage]) -> Any:
        read.append("\n".join(message.text for message in messages[1:]))
        return said[len(read) - 1]

    return ScriptedModel(reply), read


async def run(said: list[Any], **options: Any) -> tuple[dict[str, Any], list[str]]:
    model, read = scripted(said)
    team = ocr_agent(model, **options)
    return await team.ainvoke({"messages": [HumanMessage("What is the total?")]}), read


async def test_three_rounds_of_three_calls_follow_the_first_answer() -> None:
    final, read = await run(replies(("read row 1",), ("add up again",), ("check the sign",)))
    assert len(read) == 1 + 3 * 3
    assert final["answer"] == "3"
    assert all("What is the total?" in text for text in read)
    assert [each.answer for each in final["rounds"]] == ["0", "1", "2"]


async def test_the_second_round_reads_the_first_rounds_plan_and_notes_are_passed_on() -> None:
    _, read = await run(replies(("read row 1",), ("add up again",), ("check the sign",)))
    reflect_2, refine_2 = read[5], read[6]
    for text in (reflect_2, refine_2):
        assert "Round 1\nAnswer: 0\nDiagnosis: the total is wrong\nPlan:\n- read row 1" in text
        assert "Round 2\nAnswer: 1" in text
        assert AGAIN not in text
    assert "<direction>by rows</direction>" in refine_2
    assert "<answer>1</answer>" in refine_2
    assert "read row 1" not in read[4], "a diagnosis is made of the answer alone"


async def test_a_model_that_plans_the_same_again_is_told_so() -> None:
    _, read = await run(replies(("Read row 1.", "look closer"), ("read  ROW 1",), ("think",)))
    told = f"{AGAIN}\n- read  ROW 1"
    assert told in read[5]
    assert told in read[6]
    assert AGAIN not in read[8]


async def test_steps_that_the_model_cannot_do_are_struck_out() -> None:
    final, read = await run(
        replies(("use external OCR tool", "read row 1 again"), ("ask the user",), ())
    )
    assert final["rounds"][0].plan == ("read row 1 again",)
    assert final["rounds"][0].dropped == ("use external OCR tool",)
    assert not any("external OCR" in text or "ask the user" in text for text in read)
    assert final["rounds"][1].plan == ()


@pytest.mark.parametrize(
    ("step", "able"),
    [
        ("use external OCR tool", False),
        ("Run Tesseract on the page", False),
        ("request a higher-resolution scan", False),
        ("look at another image", False),
        ("search the Internet for the form", False),
        ("consult an expert", False),
        ("read the second column again", True),
        ("compare the digits 1 and 7", True),
        ("ask what the label means, then answer", True),
        ("look at the image again, row by row", True),
    ],
)
def test_what_a_model_can_do_is_told_by_the_words_of_the_step(step: str, able: bool) -> None:
    assert within_ability(step) is able


async def test_what_a_model_can_do_is_pluggable() -> None:
    final, _ = await run(replies(("use external OCR tool",)), rounds=1, able=lambda step: True)
    assert final["rounds"][0].plan == ("use external OCR tool",)


async def test_replies_that_cannot_be_read_leave_the_answer_and_the_rounds_go_on() -> None:
    said = ["<answer>0</answer>", "hm", "hm", "hm", *replies(("a",), ("b",))[1:]]
    final, read = await run(said)
    assert len(read) == 10
    assert final["answer"] == "2"
    assert final["rounds"][0].diagnosis == ""
    nothing, read = await run(["hm"] * 10)
    assert (nothing["answer"], nothing["draft"], len(read)) == ("", None, 10)


async def test_images_reach_every_part_as_they_are() -> None:
    seen: list[BaseMessage] = []
    said = iter(replies(("a",)))

    def reply(messages: list[BaseMessage]) -> str:
        seen.append(messages[1])
        return next(said)

    question = HumanMessage(
        [
            {"type": "text", "text": "What is the total?"},
            {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"},
        ]
    )
    await ocr_agent(ScriptedModel(reply), rounds=1).ainvoke({"messages": [question]})
    assert [message.content for message in seen] == [question.content] * 4


async def test_a_spent_budget_leaves_the_last_answer() -> None:
    for calls, answer in ((0, ""), (1, "0"), (3, "0"), (4, "1"), (5, "1"), (7, "2")):
        model, _ = scripted(replies(("a",), ("b",), ("c",)))
        episode = await play(ocr_agent(model), Task("t", "?"), budget=Budget(calls=calls))
        assert episode.answer == answer
        assert episode.outcome.stop == f"budget of {calls} model calls is spent"
        assert len(episode.turns) == calls


async def test_no_rounds_are_one_answer_and_fewer_are_refused() -> None:
    final, read = await run(["<answer>0</answer>"], rounds=0)
    assert (final["answer"], len(read)) == ("0", 1)
    with pytest.raises(ValueError, match="rounds=-1"):
        ocr_agent(ScriptedModel([]), rounds=-1)
