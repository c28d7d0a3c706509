"""Remembering: what an agent that has a memory does around its own call.

Before the call it recalls, for the task and the latest observation, the records that may influence
what its role does, and the lessons that belong to them; the model reads both, quoted, after the
conversation. After the call, when the memory is guarded, what the reply proposes is compared with
the lessons. On a match the model reads which, and replies once more; that reply counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import BaseTool

from ..memory import Guarded, Lesson, MemoryGuard, Retriever
from ..memory.guard import recall
from ..memory.guard.showing import shown
from ..memory.quoting import quote
from .agent import merged
from .outputs import Proposal
from .state import TeamState

if TYPE_CHECKING:
    from .agent import Agent

OBJECTION = "You were about to do this: {}. Something like it went wrong before.\n{}"
AGAIN = "Think again, and reply again."


async def remembered(
    agent: Agent, memory: Retriever, state: TeamState, tools: Sequence[BaseTool]
) -> AIMessage:
    """The agent's reply with its memory in view, thought over where a lesson speaks against it.

    Raises:
        BudgetExceeded: no call is left.
    """
    recalled = await recall(memory, query(state), use=agent.use)
    messages = agent.messages(state, [HumanMessage(recalled.text)] if recalled.text else ())
    reply = await agent.reply(messages, tools)
    if isinstance(memory, MemoryGuard):
        objections = await _objections(agent, memory, recalled, reply)
        if objections:
            warning = HumanMessage("\n".join([*objections, AGAIN]))
            return await agent.reply(merged([*messages, warning]), tools)
    return reply


def query(state: TeamState) -> str:
    """What a memory is asked in this state: the task and the latest observation, else the last
    message."""
    task, seen = state.get("task"), state.get("observation")
    known = [task.prompt if task else "", seen.text if seen else ""]
    texts = [text for text in dict.fromkeys(known) if text.strip()]
    if not texts:
        texts = [message.text for message in state.get("messages", [])[-1:]]
    return "\n".join(texts)


async def _objections(
    agent: Agent, memory: MemoryGuard, recalled: Guarded, reply: AIMessage
) -> list[str]:
    """What the lessons have against a reply."""
    advised = [found.record for found in recalled.records]
    against: list[str] = []
    for action in _proposed(agent, reply):
        lessons: tuple[Lesson, ...] = await memory.check_action(
            action, path=reply.text, advised=advised
        )
        if lessons:
            against.append(OBJECTION.format(quote(action), shown((), lessons)))
    return against


def _proposed(agent: Agent, reply: AIMessage) -> Iterator[str]:
    """The actions that a reply is about to take: its tool calls, or else its proposal."""
    for call in reply.tool_calls:
        yield f"{call['name']} {json.dumps(call['args'], default=str)}"
    if not reply.tool_calls:
        draft = agent.read(reply)
        if isinstance(draft, Proposal):
            yield draft.value
