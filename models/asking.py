"""Asking a chat model for one typed value, outside a team: what memories, guards and scorers do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from .formats import OutputFormat, output_format

T = TypeVar("T", bound=BaseModel)


async def ask(
    model: BaseChatModel,
    messages: Sequence[BaseMessage] | str,
    output: type[T],
    *,
    agent: str,
    instructions: str = "",
    format: str = "tags",
) -> T | None:
    """What `model` answers to `messages`, as `output`; None when its reply cannot be read.

    Args:
        messages: the conversation, or one message's text.
        agent: who asks, in the record and in budgets.
        instructions: the system's words; how to write the reply is added.
        format: `tags` or `json`.

    Raises:
        ValueError: the format is unknown.
        BudgetExceeded: no call is left.
    """
    written = output_format(format)
    system = SystemMessage(f"{instructions}\n{written.instructions(output)}".strip())
    said = [HumanMessage(messages)] if isinstance(messages, str) else messages
    reply = await model.ainvoke([system, *said], {"metadata": {"agent": agent}})
    return read(reply, output, written)


def read(reply: AIMessage, output: type[T], format: OutputFormat) -> T | None:
    """The typed value in a reply; None, and so noted in the record, when it has none."""
    parsed = format.parse(reply.text, output)
    reply.response_metadata["parsed"] = parsed and parsed.model_dump(mode="json")
    return parsed
