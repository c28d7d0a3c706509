"""Submit: the tool with which an agent says that it is done, and what its answer is."""

from __future__ import annotations

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel

ENDS = "Give the final answer. This ends the task: call it once, when you are sure."


def submit(output: type[BaseModel] | None = None) -> BaseTool:
    """The tool `submit`. It is `return_direct`, LangChain's word for a tool that ends a loop.

    Args:
        output: the type of the answer, whose fields become the tool's arguments; a text called
            `answer` by default.
    """

    async def submit_fields(**fields: object) -> dict[str, object]:
        return fields

    async def submit_text(answer: str) -> str:
        return answer

    return StructuredTool.from_function(
        coroutine=submit_fields if output else submit_text,
        name="submit",
        description=ENDS,
        args_schema=output,
        return_direct=True,
    )
