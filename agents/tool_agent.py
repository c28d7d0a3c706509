"""The tool agent: chooses actions in a world, and may call tools before it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool

from ..tools import ToolRegistry, ToolSource
from .actor import Actor
from .outputs import Action


class ToolAgent(Actor):
    """Chooses the next action. With `tools`, it may first call them, at most `tool_rounds` times.

    Args:
        tools: a registry, or what one is made of; the model must support `bind_tools`.
        tool_rounds: replies with tool calls that are followed before an action is demanded.

    The other arguments are those of `Agent`.
    """

    role = "agent"
    prompt = "You act in a text world. Choose the next action towards the task."
    output = Action
    use = "action"

    def __init__(
        self,
        model: BaseChatModel,
        *,
        tools: ToolRegistry | Iterable[ToolSource] = (),
        tool_rounds: int = 5,
        **agent: object,
    ) -> None:
        super().__init__(model, **agent)  # type: ignore[arg-type]
        self.tools = tools if isinstance(tools, ToolRegistry) else ToolRegistry(tools)
        self.tool_rounds = tool_rounds

    async def reply(self, messages: list[BaseMessage], tools: Sequence[BaseTool] = ()) -> AIMessage:
        for _ in range(self.tool_rounds if self.tools else 0):
            shown = [*tools, *self.tools.shown(messages)]
            message = await super().reply(messages, shown)
            if not message.tool_calls:
                return message
            messages = [*messages, message]
            messages += await self.tools.answer(messages, self.config)
        return await super().reply(messages, tools)
