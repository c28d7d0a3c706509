"""A model call while it runs: what went in, what has come of it, and what it has used so far.

It only keeps references to what LangChain showed; `transcript.py` makes turns of calls at the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

from .ledger import Ledger, Usage

TOKEN_CHARACTERS = 4
"""Characters in a token of English text, for providers that do not count."""


class Prices(Protocol):
    """Knows what models cost; `models.PriceTable` is one."""

    def cost(self, model: str, usage: Mapping[str, Any]) -> float | None:
        """US dollars for a call that used so much (LangChain's `UsageMetadata`), or None."""


@dataclass(slots=True)
class Call:
    """A model call under way or done, as LangChain showed it."""

    id: str
    agent: str
    branch: str
    messages: list[BaseMessage]
    contents: list[Any]
    """The content of each message when the call began: a graph may change messages later."""
    metadata: dict[str, Any]
    model: str
    parent: str | None
    ledger: Ledger
    """The account that pays for it."""
    started: float
    seconds: float = 0.0
    booked: Usage | None = None
    """What the ledger has of it so far."""
    streamed: Streamed | None = None
    cost: float | None = None
    """US dollars, where they are known."""
    reply: AIMessage | None = None
    error: str = ""

    @property
    def model_name(self) -> str:
        """What the model calls itself, else what it was called."""
        about = self.reply.response_metadata if self.reply else {}
        return str(about.get("model_name") or self.model)

    def usage(self, prices: Prices | None) -> Usage:
        """What it has used so far, which sets its cost. Tokens that nobody counted are
        estimated."""
        usage = self.reply.usage_metadata if self.reply else None
        known = usage["total_tokens"] if usage else 0
        if usage is None and self.reply and not self.streamed:
            self.streamed = Streamed(self.prompt_tokens())
            self.streamed.add(self.reply)
        if usage is None and self.streamed:
            usage = self.streamed.usage
            known = self.streamed.counted["total_tokens"] if self.streamed.counted else 0
        if usage is None:  # it failed before it said anything
            return Usage(calls=1, seconds=self.seconds)
        self.cost = self._cost(prices, usage)
        return Usage(
            calls=1,
            prompt_tokens=usage["input_tokens"],
            completion_tokens=usage["output_tokens"],
            seconds=self.seconds,
            cost=self.cost or 0.0,
            unpriced=int(self.cost is None),
            estimated=max(usage["input_tokens"] + usage["output_tokens"] - known, 0),
        )

    def _cost(self, prices: Prices | None, usage: UsageMetadata) -> float | None:
        """US dollars, where `response_metadata` says it as a number, or the prices know it."""
        about = self.reply.response_metadata if self.reply else {}
        said = about.get("cost")
        if isinstance(said, (int, float)) and math.isfinite(said) and said >= 0:
            return float(said)
        names = dict.fromkeys((self.model_name, self.model))
        costs = (prices.cost(name, usage) for name in names) if prices else ()
        return next((cost for cost in costs if cost is not None), None)

    def prompt_tokens(self) -> int:
        """The tokens of the prompt, estimated."""
        return math.ceil(sum(map(_characters, self.messages)) / TOKEN_CHARACTERS)


@dataclass(slots=True)
class Streamed:
    """What has come of a reply, and what the provider has counted of it so far."""

    read: int
    """Tokens of the prompt, estimated."""
    pieces: int = 0
    characters: int = 0
    counted: UsageMetadata | None = None

    def add(self, message: AIMessage) -> None:
        said = _characters(message)
        self.pieces += said > 0
        self.characters += said
        if message.usage_metadata:
            self.counted = add_usage(self.counted, message.usage_metadata)

    @property
    def usage(self) -> UsageMetadata:
        """Estimates where nothing was counted yet; no piece of a reply is less than a token."""
        read, said = self.read, max(self.pieces, math.ceil(self.characters / TOKEN_CHARACTERS))
        if self.counted:
            read = self.counted["input_tokens"] or read
            said = max(said, self.counted["output_tokens"])
        return UsageMetadata(input_tokens=read, output_tokens=said, total_tokens=read + said)


def agent_of(metadata: Mapping[str, Any]) -> str:
    """The agent that a run belongs to, else its node; empty where LangGraph names neither."""
    return str(metadata.get("agent") or metadata.get("langgraph_node") or "")


def _characters(message: BaseMessage) -> int:
    if isinstance(message, AIMessageChunk):
        calls = sum(len(call["args"] or "") for call in message.tool_call_chunks)
    else:
        calls = sum(len(str(call["args"])) for call in getattr(message, "tool_calls", ()))
    return len(message.text) + calls
