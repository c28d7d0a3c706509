"""From what a tool returns to what is kept of it: text for the model, and data beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.messages.tool import ToolMessage
from langchain_core.tools import ToolException
from langgraph.types import Command
from pydantic import BaseModel

from .condense import condensed
from .policy import ToolPolicy

NOTHING = "(no output)"
"""What the model reads of an empty answer: many servers refuse empty messages."""


@dataclass(frozen=True, slots=True)
class Output:
    """An answer as the policy lets it through."""

    text: str
    data: Any = None
    truncated: int = 0
    """Characters left out of the text."""


async def output(value: Any, policy: ToolPolicy) -> Output:
    """What is kept of `value`, the text within the policy's cap.

    Raises:
        ToolException: `value` is a message that says that the tool failed.
        TypeError: `value` is a LangGraph `Command`.
    """
    text, data = rendered(value)
    short = await condensed(text, policy.cap, policy.condense)
    return Output(_encodable(short) or NOTHING, data, max(len(text) - len(short), 0))


def rendered(value: Any) -> tuple[str, Any]:
    """The text and the data of what a tool returned. Plain text has no data beside it."""
    if isinstance(value, str):
        return value, None
    if value is None:
        return "", None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _decoded(bytes(value)), bytes(value)
    if isinstance(value, ToolMessage):
        text, data = rendered(value.content)
        if value.status == "error":
            raise ToolException(text)
        return text, data if value.artifact is None else value.artifact
    if isinstance(value, BaseMessage):
        return value.text, None
    if isinstance(value, Command):
        raise TypeError("it returned a LangGraph Command, which a registry does not follow")
    if isinstance(value, list) and value and all(map(_is_block, value)):
        shown = "\n".join(map(_block_text, value))
        return shown, None if all(block["type"] == "text" for block in value) else value
    data = _plain(value)
    return _json(data), data


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=lambda held: _plain_or_text(held))
    except (TypeError, ValueError, RecursionError):  # odd keys, circles
        return str(value)


def _plain_or_text(value: Any) -> Any:
    plain = _plain(value)
    return str(value) if plain is value else plain


def _decoded(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"[{len(data):,} bytes of binary data]"
    return f"[{len(data):,} bytes of binary data]" if "\0" in text else text


def _is_block(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("type") in ("text", "image", "file", "image_url")


def _block_text(block: Mapping[str, Any]) -> str:
    if block["type"] == "text":
        return str(block.get("text", ""))
    kind = block.get("mime_type") or block["type"]
    return f"[{kind} at {block['url']}]" if block.get("url") else f"[{kind}]"


def _encodable(text: str) -> str:
    """`text` without lone surrogates, which cannot be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text
