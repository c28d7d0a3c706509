"""Tools from functions, and functions that may block in threads of their own.

A plain function runs in a daemon thread of its own, not in a shared pool: one that never returns
holds up neither other tools nor the end of the program.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import re
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool

from .policy import ToolPolicy
from .rendering import output

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What model servers take for the name of a tool (OpenAI's and Anthropic's rule)."""

given_up: contextvars.ContextVar[list[asyncio.Future[None]] | None] = contextvars.ContextVar(
    "symposia_given_up_threads", default=None
)
"""Where a call that is cancelled notes its thread; the future is done when the thread ends."""


def as_tool(source: BaseTool | Callable[..., Any]) -> BaseTool:
    """`source` as a LangChain tool; a function's docstring tells what it and its arguments are for.

    Raises:
        ValueError: a function has no docstring, or describes an argument that it does not have.
        TypeError: `source` is neither a tool nor a function.
    """
    if isinstance(source, BaseTool):
        return source
    if not callable(source):
        raise TypeError(f"a tool is a LangChain tool or a function, not {source!r}")
    name = getattr(source, "__name__", type(source).__name__)
    if not inspect.getdoc(source):
        raise ValueError(f"the tool {name} needs a docstring: the model chooses tools by it")
    call = inspect.iscoroutinefunction(source)
    try:
        return StructuredTool.from_function(
            func=None if call else source,
            coroutine=source if call else None,
            name=name,
            parse_docstring=True,
        )
    except (ValueError, TypeError, NameError) as error:
        raise ValueError(f"{name} cannot become a tool: {error}") from error


def governed(tool: BaseTool, policy: ToolPolicy) -> BaseTool:
    """A copy of `tool` that runs off the event loop and answers within the policy's cap.

    Its answer is `(text, Output)`. A tool that is a class of its own, without functions to wrap,
    is returned as it is.
    """
    if not isinstance(tool, StructuredTool) or not (tool.coroutine or tool.func):
        return tool
    run = tool.coroutine or in_thread(tool.func)  # type: ignore[arg-type]
    pair = tool.response_format == "content_and_artifact"

    @functools.wraps(tool.coroutine or tool.func)  # type: ignore[arg-type]
    async def answer(*args: Any, **kwargs: Any) -> tuple[str, Any]:
        value = await run(*args, **kwargs)
        content, artifact = value if pair else (value, None)
        kept = await output(content, policy)
        if artifact is not None:
            kept = type(kept)(kept.text, artifact, kept.truncated)
        return kept.text, kept

    return tool.model_copy(
        update={
            "coroutine": answer,
            "response_format": "content_and_artifact",
            "handle_tool_error": False,
            "handle_validation_error": False,
        }
    )


def in_thread(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """`function` as an async one that runs in a thread of its own. Cancelled, it leaves the thread
    to itself and notes it in `given_up`."""

    async def run(*args: Any, **kwargs: Any) -> Any:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        outcome: list[tuple[Any, BaseException | None]] = []
        context = contextvars.copy_context()

        def work() -> None:
            try:
                outcome.append((context.run(function, *args, **kwargs), None))
            except BaseException as error:
                outcome.append((None, error))
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(finish)

        def finish() -> None:
            if not ended.done():
                ended.set_result(None)

        threading.Thread(target=work, name=f"tool {function!r:.60}", daemon=True).start()
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            if (noted := given_up.get()) is not None:
                noted.append(ended)
            raise
        value, error = outcome[0]
        if isinstance(error, SystemExit):  # it would end the program, not the thread
            raise RuntimeError(f"it wanted to exit with {error.code!r}") from None
        if error is not None:
            raise error
        return value

    return run
