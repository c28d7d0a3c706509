"""Which tools came into hand and which went, turn by turn, read from the conversation.

A change stands beside a message and is never shown to the model: as the artifact of the answer to
`search_tools` or `remove_tools`, or in the `additional_kwargs` of the human message that begins a
turn. How well an agent cleans up is its removal ratio: of the tools that were added in the last few
turns, how many as were removed in them, at most 1. Beside it stands how many are left.

Paper: "MemTool: Optimizing Short-Term Memory Management for Dynamic Tool Calling in LLM Agent
Multi-Turn Conversations", arXiv 2507.21428. The window's exact formula is our reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from ...episodes.paper import Paper

PAPER = Paper(
    title=(
        "MemTool: Optimizing Short-Term Memory Management for Dynamic Tool Calling in LLM Agent "
        "Multi-Turn Conversations"
    ),
    arxiv="2507.21428",
    kind="metric",
)
SEARCH, REMOVE = "search_tools", "remove_tools"
"""The tools by which a model changes what it has in hand."""
CHANGE = "tool_change"
"""The key of `additional_kwargs` that a change stands under."""
WINDOW = 3
"""Turns over which removals are compared with additions, as in the paper."""


@dataclass(frozen=True, slots=True)
class Change:
    """Tools that went, and tools that came after that."""

    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def to_json(self) -> dict[str, list[str]]:
        """As it stands beside a message."""
        return {"removed": list(self.removed), "added": list(self.added)}


def begun(message: HumanMessage, change: Change) -> HumanMessage:
    """`message` as the beginning of a turn, with what changed before anybody replied."""
    beside = {**message.additional_kwargs, CHANGE: change.to_json()}
    return message.model_copy(update={"additional_kwargs": beside})


def changes(messages: Sequence[BaseMessage]) -> Iterator[Change]:
    """All changes, in order."""
    for message in messages:
        if (change := change_of(message)) is not None:
            yield change


def turns(messages: Sequence[BaseMessage]) -> list[Change]:
    """What changed in each turn. Changes before the first turn belong to none."""
    found: list[Change] = []
    for message in messages:
        change = change_of(message)
        if change is not None and isinstance(message, HumanMessage):
            found.append(change)
        elif change is not None and found:
            last = found[-1]
            found[-1] = Change(last.removed + change.removed, last.added + change.added)
    return found


def removal_ratios(turns: Sequence[Change], window: int = WINDOW) -> list[float | None]:
    """After each turn, tools removed per tool added in the last `window` turns, at most 1; None
    while nothing was added or removed in them.

    Raises:
        ValueError: the window is not positive.
    """
    if window < 1:
        raise ValueError(f"window={window}: it must be at least one turn")
    ratios: list[float | None] = []
    for end in range(1, len(turns) + 1):
        seen = turns[max(0, end - window) : end]
        added, removed = (sum(len(getattr(c, name)) for c in seen) for name in ("added", "removed"))
        ratios.append(min(removed / added, 1.0) if added else 1.0 if removed else None)
    return ratios


def change_of(message: BaseMessage) -> Change | None:
    """The change beside a message, if there is one."""
    if isinstance(message, ToolMessage) and message.name in (SEARCH, REMOVE):
        return _read(message.artifact)
    if isinstance(message, HumanMessage):
        return _read(message.additional_kwargs.get(CHANGE))
    return None


def _read(value: Any) -> Change | None:
    if not isinstance(value, dict):
        return None
    removed, added = (tuple(map(str, value.get(key) or ())) for key in ("removed", "added"))
    return Change(removed, added)
