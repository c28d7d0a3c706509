from __future__ import annotations

from langchain_core.messages import HumanMessage

from symposia import ScriptedModel
from symposia.agents import Actor, Answer, Candidate, Critique, Reviser

REVIEW = Critique(verdict="incorrect", suggestion="more")
STATE = {
    "messages": [HumanMessage("6 * 7?")],
    "draft": Answer(answer="41"),
    "critique": REVIEW,
    "said": [
        Candidate(by="actor", draft=Answer(answer="40"), critique=REVIEW),
        Candidate(by="actor"),
        Candidate(by="actor", draft=Answer(answer="41")),
    ],
}


def test_a_reviser_reads_each_of_its_drafts_and_each_review() -> None:
    messages = Reviser(ScriptedModel([])).messages(STATE)
    assert [message.type for message in messages] == ["system", "human", *["ai", "human"] * 2]
    assert [message.text for message in messages[2::2]] == [
        "<answer>40</answer>",
        "<answer>41</answer>",
    ]
    assert "<suggestion>more</suggestion>" in messages[3].text
    assert messages[5].text == "Your reply was not accepted.\nReply again."


def test_an_actor_reads_the_last_one_only() -> None:
    messages = Actor(ScriptedModel([])).messages(STATE)
    assert [message.type for message in messages] == ["system", "human", "ai", "human"]
    assert messages[2].text == "<answer>41</answer>"


def test_at_first_a_reviser_reads_the_task_alone() -> None:
    first = {"messages": [HumanMessage("6 * 7?")]}
    assert len(Reviser(ScriptedModel([])).messages(first)) == 2
