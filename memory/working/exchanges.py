"""A conversation in the pieces that may be left out of it without breaking it.

An exchange is a message of the model with everything that it heard back: answers of its tools, what
the world or a person said. Messages before the model's first, and system messages, stand alone. A
call of a tool and its answers never come apart, as model servers refuse a conversation in which
they do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage

Exchange = tuple[BaseMessage, ...]
"""Messages that stay or go together."""


class BrokenConversationError(ValueError):
    """A tool's answer without its call, or a call without its answer."""


def exchanges(messages: Sequence[BaseMessage]) -> list[Exchange]:
    """`messages` in pieces, in order; none is lost.

    Raises:
        BrokenConversationError: a call and its answers do not stand together.
        TypeError: something among them is no message.
    """
    check_calls(messages)
    found: list[list[BaseMessage]] = []
    for message in messages:
        heard = found and isinstance(found[-1][0], AIMessage)
        if heard and not isinstance(message, (AIMessage, SystemMessage)):
            found[-1].append(message)
        else:
            found.append([message])
    return [tuple(piece) for piece in found]


def check_calls(messages: Sequence[BaseMessage]) -> None:
    """See that every tool call is answered right after the message that makes it, and once.

    Calls that could not be read (`invalid_tool_calls`) may be answered, and need not be.

    Raises:
        BrokenConversationError: one is not; the message names it.
        TypeError: something among them is no message.
    """
    waiting: Counter[str] = Counter()
    unreadable: Counter[str] = Counter()
    for place, message in enumerate(messages):
        if not isinstance(message, BaseMessage):
            raise TypeError(f"message {place} is a {type(message).__name__}, not a message")
        if not isinstance(message, ToolMessage):
            _check_answered(waiting, place)
            waiting, unreadable = _calls(message)
        elif waiting[message.tool_call_id]:
            waiting[message.tool_call_id] -= 1
        elif unreadable[message.tool_call_id]:
            unreadable[message.tool_call_id] -= 1
        else:
            raise BrokenConversationError(
                f"message {place} answers the tool call {message.tool_call_id[:80]!r}, which the "
                "model's message before it does not make: leave the answer out, or keep the call"
            )
    _check_answered(waiting, len(messages))


def _calls(message: BaseMessage) -> tuple[Counter[str], Counter[str]]:
    """The ids of a message's calls: those that can be read, and the others."""
    if not isinstance(message, AIMessage):
        return Counter(), Counter()
    return (
        Counter(call["id"] or "" for call in message.tool_calls),
        Counter(call["id"] or "" for call in message.invalid_tool_calls),
    )


def _check_answered(waiting: Counter[str], place: int) -> None:
    if missing := sorted((+waiting).elements()):
        raise BrokenConversationError(
            f"before message {place}, the tool call {missing[0][:80]!r} has no answer: answer it "
            "(`ToolRegistry.answer`), or leave out the message that makes it"
        )
