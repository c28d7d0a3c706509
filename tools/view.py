"""Which of many tools a model is shown, and the tool with which it looks for others.

The view follows from the conversation alone, so it needs no state of its own, survives checkpoints
and is the same when an episode is played again: first the tools that are always shown, then those
that fit the first question, then those that the model asked for; when there are too many, the
oldest give way. It does not change from turn to turn unless the model wants it to, so that the
prompts of an episode share their beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool

from .index import Found

SEARCH = "search_tools"
"""The name of the tool that finds tools."""
FOUND = 5
"""Tools that one search adds to the view."""
GLIMPSE = 160
"""Characters of a description that a search shows."""

Search = Callable[[str, int], list[Found]]


def view(
    pinned: Sequence[str], messages: Sequence[BaseMessage], room: int, search: Search
) -> list[str]:
    """The names to show: `pinned`, and at most `room` others."""
    first = next((m.text for m in messages if m.type == "human"), "")
    chosen = [f.name for f in search(first, room + len(pinned)) if f.name not in pinned][:room]
    for change in changes(messages):
        removed, added = (set(change.get(key) or ()) for key in ("removed", "added"))
        chosen = [name for name in chosen if name not in removed | added]
        chosen += [name for name in change.get("added") or () if name not in pinned][:room]
        chosen = chosen[-room:] if room else []
    return [*pinned, *chosen]


def changes(messages: Sequence[BaseMessage]) -> Iterator[dict[str, Any]]:
    """What the model's searches added and removed, in order."""
    for message in messages:
        if (
            isinstance(message, ToolMessage)
            and message.name == SEARCH
            and isinstance(message.artifact, dict)
        ):
            yield message.artifact


def search_tool(search: Search, tool: Callable[[str], BaseTool | None]) -> BaseTool:
    """The tool that a model finds tools with.

    Args:
        search: from a query and a number to what was found.
        tool: the tool of a name; None where there is none, or it must not be seen.
    """

    async def search_tools(
        query: str = "", remove: Sequence[str] = ()
    ) -> tuple[str, dict[str, list[str]]]:
        """Find tools for what you want to do; those found can be called from your next turn on.

        Args:
            query: what the tool should do, in a few words
            remove: names of tools that you no longer need
        """
        added = [found.name for found in search(query, FOUND)]
        removed = [name for name in remove if tool(name) is not None and name not in added]
        lines = [f"{name}: {glimpse(tool(name))}" for name in added]
        if query and not added:
            lines.append("No tool matches. Try other words for what the tool should do.")
        if removed:
            lines.append(f"Removed: {', '.join(removed)}.")
        if unknown := [name for name in remove if tool(name) is None]:
            lines.append(f"There is no tool {', '.join(unknown)} to remove.")
        text = "\n".join(lines) or "Give a query, or names to remove."
        return text, {"added": added, "removed": removed}

    return StructuredTool.from_function(
        coroutine=search_tools, parse_docstring=True, response_format="content_and_artifact"
    )


def glimpse(tool: BaseTool | None) -> str:
    """The beginning of a tool's description, on one line."""
    text = " ".join((tool.description if tool else "").split())
    return text if len(text) <= GLIMPSE else f"{text[:GLIMPSE]}..."
