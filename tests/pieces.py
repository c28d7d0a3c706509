"""Models that write a reply piece by piece, for segmented generation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata

from symposia.models import ScriptedModel


def piece(text: str, tokens: int | None = None, *, end: bool = False, stop: str = "") -> AIMessage:
    """A piece of so many tokens (by default its words), which ends the reply or is cut off."""
    count = len(text.split()) if tokens is None else tokens
    about = {"finish_reason": "stop" if end or stop else "length", "stop_reason": stop or None}
    return AIMessage(
        text,
        response_metadata=about,
        usage_metadata=UsageMetadata(input_tokens=1, output_tokens=count, total_tokens=1 + count),
    )


def writer(write: Callable[[str], AIMessage]) -> ScriptedModel:
    """Writes the next piece from what is written so far."""

    def say(messages: list[BaseMessage]) -> AIMessage:
        return write(messages[-1].text if isinstance(messages[-1], AIMessage) else "")

    return ScriptedModel(say)


def pieces(parts: Sequence[AIMessage]) -> ScriptedModel:
    """Writes these pieces, one after the other."""
    return ScriptedModel(parts)
