from __future__ import annotations

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolMessage,
)

from symposia.memory.working import BrokenConversationError, check_calls, exchanges


def calling(*ids: str | None) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "add", "args": {}, "id": i} for i in ids])


def answer(call: str) -> ToolMessage:
    return ToolMessage("7", tool_call_id=call)


def test_a_call_its_answers_and_what_follows_are_one_exchange() -> None:
    messages: list[BaseMessage] = [
        SystemMessage("s"),
        HumanMessage("task"),
        calling("a", "b"),
        answer("b"),
        answer("a"),
        AIMessage("go north"),
        HumanMessage("a wall"),
        SystemMessage("s"),
        HumanMessage("?"),
    ]
    pieces = exchanges(messages)
    assert [len(piece) for piece in pieces] == [1, 1, 3, 2, 1, 1]
    assert [message for piece in pieces for message in piece] == messages


def test_calls_that_cannot_be_read_may_be_answered_and_need_not_be() -> None:
    said = AIMessage("")
    said.invalid_tool_calls = [
        InvalidToolCall(type="invalid_tool_call", name=None, args="{", id=None, error="no JSON")
    ]
    check_calls([said])
    check_calls([said, answer("")])
    with pytest.raises(BrokenConversationError):
        check_calls([said, answer(""), answer("")])


@pytest.mark.parametrize(
    ("messages", "wrong"),
    [
        ([answer("a")], "message 0 answers the tool call 'a'"),
        ([calling("a"), answer("b")], "message 1 answers the tool call 'b'"),
        ([calling("a"), answer("a"), answer("a")], "message 2 answers"),
        ([calling("a"), HumanMessage("?"), answer("a")], "before message 1, the tool call 'a'"),
        ([calling("a", "b"), answer("a")], "before message 2, the tool call 'b' has no answer"),
        ([calling("a"), calling("b"), answer("a"), answer("b")], "before message 1"),
    ],
)
def test_a_broken_conversation_is_refused_by_name(messages: list[BaseMessage], wrong: str) -> None:
    with pytest.raises(BrokenConversationError, match=wrong):
        exchanges(messages)


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(TypeError, match="message 1 is a str"):
        exchanges([HumanMessage("?"), "hello"])  # type: ignore[list-item]
