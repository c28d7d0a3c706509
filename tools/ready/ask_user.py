"""Ask the user: a question to the person who gave the task, or to whoever stands in for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.types import interrupt

User = Runnable[str, Any] | Callable[[str], Any]
"""Stands in for a person: a function (plain or async), a chat model, or any other Runnable from a
question to an answer."""


def ask_user(user: User | None = None) -> BaseTool:
    """The tool `ask_user`. Without `user`, the graph pauses (LangGraph's `interrupt`) with
    `{"question": ...}`, and goes on with `Command(resume="the answer")`."""
    asked: Runnable[str, Any] | None = None
    if user is not None:
        asked = user if isinstance(user, Runnable) else RunnableLambda(user)

    async def ask(question: str) -> str:
        """Ask the user a question, when only the user can know the answer.

        Args:
            question: one clear question
        """
        if asked is None:
            return _person(question)
        said = await asked.ainvoke(question)
        return said.text if isinstance(said, BaseMessage) else str(said)

    return StructuredTool.from_function(coroutine=ask, name="ask_user", parse_docstring=True)


def _person(question: str) -> str:
    try:
        return str(interrupt({"question": question}))
    except (RuntimeError, KeyError):  # LangGraph's answer where no graph runs
        raise ToolException("nobody can be asked here; decide for yourself") from None
