"""The same call made twice: found in the conversation itself, so that nothing need be kept."""

from __future__ import annotations

import json
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage


def before(call: ToolCall, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """What was said before `call`: `messages` up to its message, of which only the calls that stand
    before it are kept."""
    said = list(messages)
    for place in range(len(said) - 1, -1, -1):
        message = said[place]
        if not isinstance(message, AIMessage):
            continue
        for number, other in enumerate(message.tool_calls):
            if other is call or (other["id"] == call["id"] and other["name"] == call["name"]):
                earlier = message.model_copy(update={"tool_calls": message.tool_calls[:number]})
                return [*said[:place], earlier]
    return said


def same(call: ToolCall, earlier: Sequence[BaseMessage]) -> str:
    """What to tell a model that made `call` before: its answer then. Empty if it did not, or if
    the call had failed."""
    wanted = _key(call)
    for place in range(len(earlier) - 1, -1, -1):
        message = earlier[place]
        for other in message.tool_calls if isinstance(message, AIMessage) else ():
            if _key(other) != wanted:
                continue
            answered = _answer(other, earlier[place + 1 :])
            if answered is None and place == len(earlier) - 1:
                return f"{call['name']} is already being called with these arguments."
            if answered is not None and answered.status == "success":
                return (
                    f"You have called {call['name']} with these arguments before. "
                    f"It answered:\n{answered.text}"
                )
    return ""


def _answer(call: ToolCall, after: Sequence[BaseMessage]) -> ToolMessage | None:
    """The answer to `call`; ids are only told apart up to the next message of the model."""
    for message in after:
        if isinstance(message, AIMessage):
            return None
        if isinstance(message, ToolMessage) and message.tool_call_id == (call["id"] or ""):
            return message
    return None


def _key(call: ToolCall) -> tuple[str, str]:
    return call["name"], json.dumps(call["args"], sort_keys=True, default=str)
