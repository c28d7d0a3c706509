"""Again: an actor answers, is told one line, whatever it said, and answers again.

Nobody reviews anything. The actor's replies stand in the conversation as it wrote them, so each
prompt goes on from the tokens before; the last readable answer is final. What attempts are worth
against each other, intrinsic self-correction, can so be measured and trained.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph

from ..agents import Agent, Candidate, TeamContext, TeamState
from .team import Settled, Team, settled

RECONSIDER = (
    "There might be an error in the solution above. Please correct the error, if any, and rewrite "
    "the solution."
)


def again(
    actor: Agent,
    *,
    attempts: int = 2,
    line: str = RECONSIDER,
    name: str = "again",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team of one actor that answers several times; `state["said"]` keeps what it said.

    Args:
        attempts: answers in all.
        line: what it is told after each but the last.

    Raises:
        ValueError: there is no attempt.
    """
    if attempts < 1:
        raise ValueError(f"attempts={attempts}: it must be at least 1")

    async def begin(state: TeamState) -> TeamState:
        return {"said": [], "draft": None, "critique": None, "stop": ""}

    async def attempt(state: TeamState) -> dict[str, Any]:
        update, reply = await actor.speak(state)
        if reply is None:
            return {"stop": update["stop"]}
        draft = update["draft"]
        said = [
            *state["said"],
            Candidate(by=actor.name, round=len(state["said"]) + 1, draft=draft, text=reply.text),
        ]
        return {"said": said, "messages": [reply, HumanMessage(line)]}

    async def settle(state: TeamState) -> dict[str, Any]:
        return settled(next((each.draft for each in reversed(state["said"]) if each.draft), None))

    async def goes_on(state: TeamState) -> str:
        return "settle" if state["stop"] or len(state["said"]) == attempts else "attempt"

    graph = StateGraph(TeamState, context_schema=TeamContext, output_schema=Settled)
    graph.add_node("begin", begin)
    graph.add_node("attempt", attempt)
    graph.add_node("settle", settle)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "attempt")
    graph.add_conditional_edges("attempt", goes_on, ["attempt", "settle"])
    graph.add_edge("settle", END)
    return graph.compile(name=name, checkpointer=checkpointer)
