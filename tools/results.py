"""What a tool call comes to: text for the model, data for programs, and errors to act on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from langchain_core.messages import ToolMessage


class Fault(StrEnum):
    """Why a tool call has no result."""

    UNREADABLE = "unreadable"
    """What the model wrote is no call."""
    UNKNOWN = "unknown"
    """There is no tool of that name."""
    ARGUMENTS = "arguments"
    """The tool's schema does not allow the arguments."""
    DENIED = "denied"
    """The policy, or the person who was asked, did not allow it."""
    DUPLICATE = "duplicate"
    """The same call was answered before, and the tool's policy is `once`."""
    BUSY = "busy"
    """As many calls as the policy allows were running, and none ended in time."""
    TIMEOUT = "timeout"
    """The tool took longer than its policy allows."""
    BUDGET = "budget"
    """No tool call, second or dollar is left."""
    FAILED = "failed"
    """The tool raised an error."""


@dataclass(frozen=True, slots=True)
class ToolError:
    """What went wrong, in words that tell the model what to do instead."""

    kind: Fault
    message: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What became of one tool call."""

    tool: str
    """The name that was called."""
    content: str
    """What the model reads: the tool's answer, cut to its cap, or the error's message."""
    data: Any = None
    """The answer as a value, where it is more than text (a mapping, a list, bytes, ...)."""
    error: ToolError | None = None
    seconds: float = 0.0
    """Wall-clock time, waiting and retries included."""
    attempts: int = 0
    """How often the tool was run; 0 when the call was refused."""
    truncated: int = 0
    """Characters of the answer that `content` leaves out."""

    @property
    def ok(self) -> bool:
        return self.error is None

    def message(self, call_id: str | None) -> ToolMessage:
        """This result as the answer to the call of that id. The data is its `artifact`; error,
        seconds and what was left out stand in `response_metadata`."""
        about: dict[str, Any] = {"seconds": self.seconds, "attempts": self.attempts}
        if self.error:
            about["error"] = str(self.error.kind)
        if self.truncated:
            about["truncated"] = self.truncated
        return ToolMessage(
            self.content,
            name=self.tool,
            tool_call_id=call_id or "",
            artifact=self.data,
            status="success" if self.ok else "error",
            response_metadata=about,
        )
