"""Python for agents: code runs in a sandbox, never here."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool

from ..sandbox import PythonSandbox
from ..sandbox.result import Result
from ..sandbox.session import Session

FRESH = "Each call begins anew: nothing of earlier calls is left."
STATE = "What earlier calls defined is still there."
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
"""Terminal escape codes, and other characters that a model has no use for."""


def python(box: PythonSandbox | Session) -> BaseTool:
    """The tool `python`. An error of the code is an answer like any other, with its traceback; the
    tool's data are the fields of the sandbox's `Result`.

    Args:
        box: an open sandbox, in which every call begins anew and many may run at once; or a
            session of one, whose calls share their names. A session is for one episode only.
    """

    async def run(code: str) -> tuple[str, dict[str, Any]]:
        result = await box.run(code)
        return _text(result), {name: _plain(held) for name, held in asdict(result).items()}

    keeps = STATE if isinstance(box, Session) else FRESH
    return StructuredTool.from_function(
        coroutine=run,
        name="python",
        description=(
            "Run Python code and read what it prints, and the value of its last line. "
            f"There is no network. {keeps}"
        ),
        response_format="content_and_artifact",
    )


def _text(result: Result) -> str:
    parts = [result.stdout.rstrip(), result.stderr.rstrip()]
    if result.value is not None:
        parts.append(result.value)
    if not result.ok:
        why = result.traceback.rstrip() or f"{result.error_type or result.status}: {result.error}"
        parts.append(why)
    if result.truncated:
        parts.append("[some of the output was cut off]")
    return _CONTROL.sub("", "\n".join(part for part in parts if part))


def _plain(value: Any) -> Any:
    """Enums as their words, so that the data survives checkpoints."""
    return str(value) if isinstance(value, str) else value
