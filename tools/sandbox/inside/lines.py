"""Which lines of one source file ran: by `sys.monitoring` where there is one, else `sys.settrace`.

The first costs next to nothing, because a line that was seen is not reported again; the second
slows the traced code down, some ten times in loops.
"""

from __future__ import annotations

import sys
from sys import settrace
from types import CodeType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any


class Lines:
    """Counts the lines of the file `name`, in all threads, from `start` on."""

    def __init__(self, name: str) -> None:
        import threading

        self._name = name
        self.executed: set[int] = set()
        self._set_thread_trace = threading.settrace

    def start(self) -> None:
        """Begin to count."""
        if sys.version_info >= (3, 12):
            monitoring = sys.monitoring
            tool = monitoring.COVERAGE_ID
            monitoring.use_tool_id(tool, "symposia")
            monitoring.register_callback(tool, monitoring.events.LINE, self._seen)
            monitoring.set_events(tool, monitoring.events.LINE)
        else:
            self.trace()

    def trace(self) -> None:
        """Count by tracing, in place of any other tracer, where there is no other way."""
        if sys.version_info < (3, 12):
            self._set_thread_trace(self._enter)
            settrace(self._enter)

    def _seen(self, code: CodeType, line: int) -> Any:
        if code.co_filename == self._name:
            self.executed.add(line)
        return sys.monitoring.DISABLE  # type: ignore[attr-defined,unused-ignore]

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._step if frame.f_code.co_filename == self._name else None

    def _step(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self.executed.add(frame.f_lineno)
        return self._step


def executable(code: CodeType) -> list[int]:
    """The lines that hold code, in `code` and all that is nested in it."""
    lines = {line for _, _, line in code.co_lines() if line}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            lines.update(executable(constant))
    return sorted(lines)
