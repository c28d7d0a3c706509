from __future__ import annotations

import re
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from symposia import ScriptedModel, Task, play
from symposia.agents import Answer, Candidate, TeamState, Verdict
from symposia.graphs.judging import annotator, preference, self_reference

TASK = Task("t", "Is it raining?")
CANDIDATES = [
    Candidate(by="a", draft=Answer(answer="No")),
    Candidate(by="b", draft=Answer(answer="Yes")),
]
STATE: TeamState = {
    "task": TASK,
    "messages": [HumanMessage(TASK.prompt)],
    "candidates": CANDIDATES,
}


class Dialogue:
    """A model that answers `Yes`, and prefers what it answered, or whatever is shown first."""

    def __init__(self, first: bool = False, reference: str = "<answer>Yes</answer>") -> None:
        self.first = first
        self.reference = reference
        self.log: list[list[BaseMessage]] = []

    def reply(self, messages: list[BaseMessage]) -> str:
        self.log.append(messages)
        shown = re.findall(r"Proposed reply \d+:\n<answer>(.*?)</answer>", messages[-1].text)
        if not shown:
            return self.reference
        winner = 0 if self.first else shown.index("Yes")
        return f"<decision>accept</decision><winner>{winner}</winner>"


async def judged(dialogue: Dialogue) -> Verdict | None:
    final: Any = await annotator(ScriptedModel(dialogue.reply)).ainvoke(STATE)
    verdict = final["verdict"]
    assert verdict is None or isinstance(verdict, Verdict)
    return verdict


async def test_it_answers_itself_before_it_compares_in_the_same_dialogue() -> None:
    dialogue = Dialogue()
    verdict = await judged(dialogue)
    assert verdict is not None
    assert preference(CANDIDATES, verdict) == (CANDIDATES[1], CANDIDATES[0])
    reference, *comparisons = dialogue.log
    assert "Proposed reply" not in reference[-1].text
    assert len(comparisons) == 2
    for messages in comparisons:
        assert [message.type for message in messages] == ["system", "human", "ai", "human"]
        assert messages[2].text == "<answer>Yes</answer>"


async def test_both_orders_are_compared() -> None:
    dialogue = Dialogue()
    await judged(dialogue)
    orders = [re.findall(r"<answer>(\w+)<", each[-1].text) for each in dialogue.log[1:]]
    assert sorted(orders) == [["No", "Yes"], ["Yes", "No"]]


async def test_one_that_always_picks_the_first_gives_no_pair() -> None:
    assert preference(CANDIDATES, await judged(Dialogue(first=True))) is None


async def test_without_an_answer_of_its_own_it_judges_nothing() -> None:
    dialogue = Dialogue(reference="hm")
    assert await judged(dialogue) is None
    assert len(dialogue.log) == 1


async def test_as_a_team_it_chooses_between_two_answers() -> None:
    answers = iter(["No", "Yes", "Yes"])
    dialogue = Dialogue()

    def reply(messages: list[BaseMessage]) -> str:
        asked = "Proposed reply" not in messages[-1].text
        return f"<answer>{next(answers)}</answer>" if asked else dialogue.reply(messages)

    episode = await play(self_reference(ScriptedModel(reply)), TASK)
    assert (episode.answer, episode.total.calls) == ("Yes", 5)
    assert [turn.agent for turn in episode.turns].count("reference") == 1


def test_a_preference_is_between_two() -> None:
    assert preference(CANDIDATES, None) is None
    assert preference(CANDIDATES, Verdict(decision="accept")) is None
    with pytest.raises(ValueError, match="1 candidates"):
        preference(CANDIDATES[:1], None)
