"""One tool with its rules: which calls it admits, and what becomes of those that run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp

from ..episodes import BudgetExceeded, error_text
from .approval import decision
from .arguments import Arguments
from .functions import governed
from .policy import ToolPolicy
from .rendering import Output, output
from .repeats import same
from .results import Fault, ToolError, ToolResult
from .runs import BusyError, Runs, TooSlowError

ERROR_LENGTH = 2_000
"""Characters of a tool's own error that the model reads."""


class Held:
    """A tool in a registry."""

    def __init__(self, tool: BaseTool, policy: ToolPolicy) -> None:
        self.tool = governed(tool, policy)
        self.policy = policy
        self._runs = Runs(self.tool, policy)
        self._known: Arguments | None = None

    @property
    def denied(self) -> bool:
        return self.policy.permission == "deny"

    def admit(self, call: ToolCall, messages: Sequence[BaseMessage]) -> ToolCall | ToolResult:
        """The call that may run (a person may have changed it), or why it may not.

        Raises:
            GraphBubbleUp: the graph pauses for a person.
        """
        name = call["name"]
        if self.denied:
            return refused(name, Fault.DENIED, f"{name} may not be used; do it another way.")
        if wrong := self._wrong(call):
            return wrong
        if self.policy.once and (answered := same(call, messages)):
            return refused(name, Fault.DUPLICATE, answered)
        if self.policy.permission != "ask":
            return call
        said = decision(name, call["args"], call["id"])
        if said is None:
            why = f"{name} needs a person's leave, and nobody can be asked here."
            return refused(name, Fault.DENIED, why)
        if said.decision == "reject":
            why = f"A person decided against {name}{f': {said.reason}' if said.reason else '.'}"
            return refused(name, Fault.DENIED, why)
        if said.arguments is not None:
            call = {**call, "args": said.arguments}
        return self._wrong(call) or call

    async def run(self, call: ToolCall, config: RunnableConfig | None) -> ToolResult:
        """What becomes of an admitted call.

        Raises:
            GraphBubbleUp: the graph pauses for a person.
        """
        began = time.perf_counter()
        attempts = [0]

        def result(content: str, error: Fault | None = None, **fields: Any) -> ToolResult:
            return ToolResult(
                call["name"],
                content,
                error=ToolError(error, content) if error else None,
                seconds=time.perf_counter() - began,
                attempts=attempts[0],
                **fields,
            )

        try:
            message = await self._runs.run(call, config, attempts)
            kept = message.artifact if isinstance(message, ToolMessage) else None
            if not isinstance(kept, Output):
                kept = await output(message, self.policy)
        except GraphBubbleUp:
            raise
        except BudgetExceeded as spent:
            return result(f"{spent}; finish with what you have.", Fault.BUDGET)
        except BusyError as error:
            return result(str(error), Fault.BUSY)
        except TooSlowError as error:
            return result(str(error), Fault.TIMEOUT)
        except Exception as error:  # tools are anybody's code
            return result(shortened(error_text(error)), Fault.FAILED)
        return result(kept.text, data=kept.data, truncated=kept.truncated)

    def _wrong(self, call: ToolCall) -> ToolResult | None:
        if self._known is None:
            self._known = Arguments(self.tool)
        problem = self._known.problem(call["args"])
        if not problem:
            return None
        why = f"{problem}. {call['name']} takes: {self._known.expected()}."
        return refused(call["name"], Fault.ARGUMENTS, why)


def refused(name: str, kind: Fault, why: str) -> ToolResult:
    """The result of a call that was not run."""
    return ToolResult(name, why, error=ToolError(kind, why))


def shortened(text: str) -> str:
    """An error of somebody else's, as long as a model should read."""
    return text if len(text) <= ERROR_LENGTH else f"{text[:ERROR_LENGTH]}..."
