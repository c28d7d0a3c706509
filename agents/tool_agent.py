"""The tool agent: chooses actions in a world, and may call tools before it does."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp

from ..episodes import BudgetExceeded, error_text
from .actor import Actor
from .outputs import Action


class ToolAgent(Actor):
    """Chooses the next action. With `tools`, it may first call them, at most `tool_rounds` times.

    Args:
        tools: LangChain tools; the model must support `bind_tools`.
        tool_rounds: replies with tool calls that are followed before an action is demanded.

    The other arguments are those of `Agent`.
    """

    role = "agent"
    prompt = "You act in a text world. Choose the next action towards the task."
    output = Action

    def __init__(
        self,
        model: BaseChatModel,
        *,
        tools: Sequence[BaseTool] = (),
        tool_rounds: int = 5,
        **agent: object,
    ) -> None:
        super().__init__(model, **agent)  # type: ignore[arg-type]
        self.tools = {tool.name: tool for tool in tools}
        self.tool_rounds = tool_rounds
        self._calling = model.bind_tools(tools) if tools else model

    async def reply(self, messages: list[BaseMessage]) -> AIMessage:
        for _ in range(self.tool_rounds if self.tools else 0):
            message = await self._calling.ainvoke(messages, self._config)
            if not message.tool_calls:
                return message
            messages = [*messages, message]
            messages += [await self._run(call) for call in message.tool_calls]
        return await super().reply(messages)

    async def _run(self, call: ToolCall) -> ToolMessage:
        """What the tool answers; a tool that fails says why, so that the model can do better."""
        tool = self.tools.get(call["name"])
        if tool is None:
            answer = f"There is no tool {call['name']!r}; there are: {', '.join(self.tools)}."
        else:
            try:
                message: ToolMessage = await tool.ainvoke(call, self._config)
                return message
            except (BudgetExceeded, GraphBubbleUp):  # a stop, or a question to a person
                raise
            except Exception as error:  # tools are anybody's code
                answer = error_text(error)
        return ToolMessage(answer, tool_call_id=call["id"] or "", status="error")
