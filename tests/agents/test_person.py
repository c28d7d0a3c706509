from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command

from symposia.agents import Answer, Candidate, Critique, Issue, Person, TeamState, Verdict

CONFIG: Any = {"configurable": {"thread_id": "1"}}


async def asked(person: Person, state: TeamState, answer: Any) -> tuple[dict[str, Any], Any]:
    """What the pause shows, and what stands in the state once the person has answered."""
    graph = StateGraph(TeamState)
    graph.add_node("ask", person)
    graph.add_edge(START, "ask")
    team = graph.compile(checkpointer=InMemorySaver())
    paused = await team.ainvoke(state, CONFIG)
    final = await team.ainvoke(Command(resume=answer), CONFIG)
    return paused["__interrupt__"][0].value, final[person.writes]


STATE: TeamState = {"messages": [HumanMessage("2 + 2?")], "draft": Answer(answer="4")}
ACCEPT = Verdict(decision="accept")


async def test_a_pause_shows_what_is_under_discussion() -> None:
    critique = Critique(verdict="incorrect", issues=(Issue(reason="too short"),))
    shown, _ = await asked(Person("chair"), {**STATE, "critique": critique}, ACCEPT)
    assert (shown["person"], shown["wants"]) == ("chair", "verdict")
    assert shown["question"] == "Does the proposal stand?"
    assert shown["draft"]["answer"] == "4"
    assert shown["critique"]["issues"][0]["reason"] == "too short"


async def test_a_pause_shows_what_there_is_to_choose_from() -> None:
    candidates = [Candidate(by="actor", draft=Answer(answer="4")), Candidate(by="actor")]
    shown, _ = await asked(Person(), {"candidates": candidates}, ACCEPT)
    assert shown["candidates"] == ["4", ""]
    assert "draft" not in shown


@pytest.mark.parametrize("said", [ACCEPT, {"decision": "accept"}, '{"decision": "accept"}'])
async def test_a_person_may_answer_in_several_forms(said: Any) -> None:
    assert (await asked(Person(), STATE, said))[1] == ACCEPT


@pytest.mark.parametrize(
    "said", ["yes", "", 1, ["accept"], {"decision": "perhaps"}, {"decision": "accept", "by": "me"}]
)
async def test_what_cannot_be_read_is_no_consent(said: Any) -> None:
    assert (await asked(Person(), STATE, said))[1] is None


async def test_a_person_may_write_the_draft() -> None:
    author = Person("author", output=Answer, writes="draft", question="What do you say?")
    shown, draft = await asked(author, STATE, {"answer": "four"})
    assert (shown["question"], draft) == ("What do you say?", Answer(answer="four"))
