"""An agent: a role bound to a chat model, callable as a LangGraph node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from ..episodes import BudgetExceeded, current_recorder
from ..models.asking import read
from ..models.formats import OutputFormat, output_format
from ..models.tokens import token_counter
from ..models.turnstile import one_turn
from .state import TeamState

if TYPE_CHECKING:
    from ..memory import ContextBudget, Retriever, Use


class Agent:
    """A role bound to a chat model: `await agent(state)` makes one call and returns a state update.

    The model reads the role's instructions, the team's conversation (`state["messages"]`) and the
    role's brief. Its reply is parsed to `output`; an unreadable reply is None, never a guess.

    Roles subclass this and set the class attributes; a one-off agent passes them by keyword.

    Args:
        model: any LangChain chat model.
        name: how the record and the graph call it; the role's name by default.
        instructions: replaces the role's prompt.
        output: replaces the role's output type.
        format: `tags` (light tags, for small models), `json` (JSON by schema), or one of your own.
        memory: asked at each call for what belongs to the task and the latest observation, which
            the model then reads, quoted. A `MemoryGuard` shows what stands, warns of its lessons,
            and has the model think again when its reply proposes what a lesson is about.
        context: keeps what the model reads under a number of tokens; None leaves it as it is.

    Raises:
        ValueError: the format is unknown.
    """

    role: ClassVar[str] = "agent"
    prompt: ClassVar[str] = ""
    output: type[BaseModel]
    writes: ClassVar[str] = "draft"
    """The key of the team state that this role writes."""
    use: ClassVar[Use] = "context"
    """What the records that this role recalls are to influence."""

    def __init__(
        self,
        model: BaseChatModel,
        *,
        name: str | None = None,
        instructions: str | None = None,
        output: type[BaseModel] | None = None,
        format: str | OutputFormat = "tags",
        memory: Retriever | None = None,
        context: ContextBudget | None = None,
    ) -> None:
        self.model = model
        self.memory = memory
        self.context = context
        self.name = name or self.role
        self.output = output or type(self).output
        self.format = output_format(format) if isinstance(format, str) else format
        words = self.prompt if instructions is None else instructions
        self.system = SystemMessage(f"{words}\n{self.format.instructions(self.output)}".strip())
        self.config: RunnableConfig = {"metadata": {"agent": self.name}}
        """What the record of a call says about who made it."""
        self._bound: tuple[list[BaseTool], Runnable[Any, AIMessage]] | None = None

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        """What this role is told after the conversation, in this state."""
        return ()

    def messages(self, state: TeamState, recalled: Sequence[BaseMessage] = ()) -> list[BaseMessage]:
        """The exact messages that the model reads in this state; `recalled` is from its memory."""
        said = [*state.get("messages", ()), *recalled, *self.brief(state)]
        return [self.system, *merged(said)]

    async def reply(self, messages: list[BaseMessage], tools: Sequence[BaseTool] = ()) -> AIMessage:
        """One reply of the model, which may call `tools`, to what its context budget leaves."""
        if self.context is not None:
            messages = await self.context.fit(messages, token_counter(self.model, tools))
        message = await self._offered(tools).ainvoke(messages, self.config)
        await one_turn()
        return message

    async def ask(self, state: TeamState, tools: Sequence[BaseTool] = ()) -> AIMessage:
        """One reply in this state, from a model that may call `tools`.

        Raises:
            BudgetExceeded: no call is left.
        """
        if (recorder := current_recorder()) is not None:
            recorder.ledger.check()
        if self.memory is not None:
            from .remembering import remembered

            return await remembered(self, self.memory, state, tools)
        return await self.reply(self.messages(state), tools)

    async def __call__(self, state: TeamState) -> dict[str, Any]:
        """Call the model and return the update of the team's state.

        A spent budget sets `stop` instead of raising, so that the team can still finish.
        """
        return (await self.speak(state))[0]

    async def speak(self, state: TeamState) -> tuple[dict[str, Any], AIMessage | None]:
        """The update that a call returns, and the reply it was read from, if there was one. A role
        that writes something else than what it reads overrides this."""
        try:
            message = await self.ask(state)
        except BudgetExceeded as spent:
            return {self.writes: None, "stop": str(spent)}, None
        return {self.writes: self.read(message)}, message

    def read(self, message: AIMessage) -> BaseModel | None:
        """The typed output in a reply; None, and so noted in the record, when it has none."""
        return read(message, self.output, self.format)

    def _offered(self, tools: Sequence[BaseTool]) -> Runnable[Any, AIMessage]:
        """The model with `tools` bound. The latest binding is kept: describing tools takes time."""
        if not tools:
            return self.model
        if self._bound is None or [*map(id, self._bound[0])] != [*map(id, tools)]:
            self._bound = ([*tools], self.model.bind_tools(tools))
        return self._bound[1]


def merged(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """`messages` with neighbouring human texts joined: many chat templates want turns."""
    merged: list[BaseMessage] = []
    for message in messages:
        if _plain(message) and merged and _plain(merged[-1]):
            merged[-1] = HumanMessage(f"{merged[-1].content}\n\n{message.content}")
        else:
            merged.append(message)
    return merged


def _plain(message: BaseMessage) -> bool:
    return type(message) is HumanMessage and isinstance(message.content, str)
