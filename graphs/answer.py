"""Answer: one agent, one reply. The simplest team, and the baseline for every other."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph

from ..agents import Agent, TeamContext, TeamState
from .team import Team


def answer(
    actor: Agent, *, name: str = "answer", checkpointer: BaseCheckpointSaver[Any] | None = None
) -> Team:
    """A team of one actor that replies once."""

    async def reply(state: TeamState) -> dict[str, Any]:
        update = await actor(state)
        draft = update["draft"]
        return {**update, "answer": draft.value if draft else ""}

    graph = StateGraph(TeamState, context_schema=TeamContext)
    graph.add_node("reply", reply)
    graph.add_edge(START, "reply")
    graph.add_edge("reply", END)
    return graph.compile(name=name, checkpointer=checkpointer)
