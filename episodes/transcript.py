"""From model calls to turns: messages in OpenAI's format, each written once, and exact tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages

from .call import Call
from .turn import Tokens, Turn

ROLES = {"human": "user", "ai": "assistant", "system": "system"}
"""LangChain's message types and the roles of OpenAI's format."""


def turns(calls: list[Call], zero: float) -> Iterator[Turn]:
    """The record of `calls`. A conversation repeats its messages at every turn: the longest run
    that a call shares with the one before it is taken over as it is, and so is a known message."""
    known: dict[int, tuple[Any, dict[str, Any]]] = {}
    before: tuple[list[BaseMessage], list[Any], tuple[dict[str, Any], ...]] = ([], [], ())

    def written(message: BaseMessage, content: Any) -> dict[str, Any]:
        held = known.get(id(message))
        if held is None or held[0] is not content:
            held = known[id(message)] = (content, _openai(message, content))
        return held[1]

    for call in calls:
        shared = len(before[0])
        if call.messages[:shared] != before[0] or call.contents[:shared] != before[1]:
            shared = 0
        messages = before[2][:shared] + tuple(
            map(written, call.messages[shared:], call.contents[shared:])
        )
        before = (call.messages, call.contents, messages)
        yield _turn(call, messages, zero)


def _turn(call: Call, messages: tuple[dict[str, Any], ...], zero: float) -> Turn:
    reply = call.reply
    about = reply.response_metadata if reply else {}
    usage = reply.usage_metadata if reply else None
    wanted = "parsed" in about
    return Turn(
        id=call.id,
        parent=call.parent,
        agent=call.agent,
        node=str(call.metadata.get("langgraph_node", "")),
        step=int(call.metadata.get("langgraph_step", 0)),
        branch=call.branch,
        model=call.model_name,
        messages=messages,
        reply=_openai(reply, reply.content) if reply else None,
        parsed=about.get("parsed"),
        unreadable=wanted and about["parsed"] is None,
        tokens=_tokens(about),
        prompt_tokens=usage["input_tokens"] if usage else 0,
        completion_tokens=usage["output_tokens"] if usage else 0,
        cost=call.cost or 0.0,
        started=call.started - zero,
        seconds=call.seconds,
        finish=str(about.get("finish_reason", "")),
        error=call.error,
    )


def _openai(message: BaseMessage, content: Any) -> dict[str, Any]:
    """`message` in OpenAI's format, with the content that it had."""
    calls = message.tool_calls if isinstance(message, AIMessage) else ()
    role = ROLES.get(message.type)
    if isinstance(content, str) and not calls and role and message.name is None:
        return {"role": role, "content": content}
    converted = convert_to_openai_messages(message.model_copy(update={"content": content}))
    assert isinstance(converted, dict)
    return converted


def _tokens(about: dict[str, Any]) -> Tokens | None:
    """The exact tokens that a local engine or server put into `response_metadata["tokens"]`. Other
    providers keep other things under that name; those are not tokens."""
    held = about.get("tokens")
    if not isinstance(held, dict):
        return None
    try:
        return Tokens(**{name: tuple(ids) for name, ids in held.items()})
    except (TypeError, ValueError):
        return None
