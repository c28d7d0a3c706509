"""Use tools: an agent calls tools, reads what they answer, and goes on until it has an answer.

The agent's model is offered the tools that the registry shows it in this conversation
(`bind_tools`). Its calls run at the same time, each as a task of its own, so that a pause for a
person (a tool whose policy is `ask`, or `ask_user`) repeats none of the others; their answers join
the conversation in the order of the calls. A reply without calls is the answer, and so is a call of
a tool that ends the task (`submit`, or any with LangChain's `return_direct`). Calls past the limit
are refused and the agent is told to answer with what it has: one reply more.

The loop is ReAct's (Yao et al., 2022), with the model's own tool calls in the place of text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolCall,
    ToolMessage,
)
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send
from pydantic import BaseModel

from ..agents import Agent, Proposal, TeamContext, TeamState, ToolAgent
from ..episodes import BudgetExceeded
from ..memory.working.active_tools import ActiveTools
from ..tools import Fault, ToolError, ToolRegistry, ToolResult, ToolSource
from ..tools.registry import unreadable
from .team import Team

UNREADABLE = "Your reply could not be read. Reply in the form asked for, or call a tool."
SPENT = "No tool call is left. Answer with what you know."


class Calling(TypedDict):
    """What one call of a tool is given."""

    call: ToolCall
    messages: list[BaseMessage]
    allowed: bool
    """False for a call past the limit."""


def use_tools(
    agent: Agent,
    tools: ToolRegistry | ActiveTools | Iterable[ToolSource],
    *,
    max_calls: int = 20,
    unread_limit: int = 3,
    name: str = "use_tools",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team of one agent that answers with the help of tools.

    Args:
        agent: an actor; its output type and format are those of its answer.
        tools: a registry, what one is made of, or tools that change as the conversation goes.
        max_calls: calls of tools, at most; what the model called past it is refused.
        unread_limit: replies in a row that are neither calls nor a readable answer, which end it.

    Raises:
        ValueError: a limit is not positive, or the agent has tools of its own.
    """
    if isinstance(agent, ToolAgent) and agent.tools:
        raise ValueError(f"{agent.name} calls its own tools: give them to use_tools instead")
    for limit, value in {"max_calls": max_calls, "unread_limit": unread_limit}.items():
        if value < 1:
            raise ValueError(f"{limit}={value}: it must be at least 1")
    registry = tools if isinstance(tools, (ToolRegistry, ActiveTools)) else ToolRegistry(tools)

    async def begin(state: TeamState) -> dict[str, Any]:
        return {"steps": 0, "unread": 0, "draft": None, "answer": "", "stop": ""}

    async def think(state: TeamState) -> Command[Any]:
        messages = state["messages"]
        answers = _answers(messages)
        if (end := submitted(messages, answers)) is not None:
            return Command(update=end, goto=END)
        try:
            message = await agent.ask(state, registry.shown(messages))
        except BudgetExceeded as spent:
            return Command(update={"stop": str(spent)}, goto=END)
        if message.tool_calls and any(map(_refused, answers)):
            return Command(update={"stop": "tool calls are spent"}, goto=END)
        if message.tool_calls:
            return dispatched(state, message)
        if message.invalid_tool_calls:
            return unread(state, [message, *unreadable(message)])
        draft = agent.read(message)
        if not isinstance(draft, Proposal):
            return unread(state, [message, HumanMessage(UNREADABLE)])
        return Command(
            update={"messages": [message], "draft": draft, "answer": draft.value}, goto=END
        )

    def dispatched(state: TeamState, message: AIMessage) -> Command[Any]:
        left = max_calls - state["steps"]
        said: list[BaseMessage] = [*state["messages"], message]
        calls = [
            Send("call", Calling(call=each, messages=known(each, said), allowed=number < left))
            for number, each in enumerate(message.tool_calls)
        ]
        steps = state["steps"] + len(calls)
        update = {"messages": [message, *unreadable(message)], "steps": steps, "unread": 0}
        return Command(update=update, goto=calls)

    def known(call: ToolCall, said: list[BaseMessage]) -> list[BaseMessage]:
        """What a call has to know of the conversation: checkpoints keep it once for each call."""
        return said if registry.remembers(call["name"]) else []

    def unread(state: TeamState, said: list[BaseMessage]) -> Command[Any]:
        times = state["unread"] + 1
        over = times >= unread_limit
        update = {"messages": said, "unread": times, "stop": "unreadable replies" if over else ""}
        return Command(update=update, goto=END if over else "think")

    async def call(state: Calling) -> dict[str, list[ToolMessage]]:
        asked = state["call"]
        if state["allowed"]:
            result = await registry.call(asked, state["messages"], agent.config)
        else:
            result = ToolResult(asked["name"], SPENT, error=ToolError(Fault.BUDGET, SPENT))
        return {"messages": [result.message(asked["id"])]}

    def submitted(messages: list[AnyMessage], answers: list[ToolMessage]) -> dict[str, Any] | None:
        """The update of the first call that ended the task, if one did."""
        for answer in answers:
            tool = answer.name or ""
            if answer.status != "success" or tool not in registry:
                continue
            if registry[tool].return_direct:
                draft = _draft(messages, answer, agent.output)
                return {"draft": draft, "answer": draft.value if draft else answer.text}
        return None

    graph = StateGraph(TeamState, context_schema=TeamContext)
    graph.add_node("begin", begin)
    graph.add_node("think", think, destinations=("think", "call", END))
    graph.add_node("call", call, input_schema=Calling)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "think")
    graph.add_edge("call", "think")
    return graph.compile(name=name, checkpointer=checkpointer)


def _answers(messages: list[AnyMessage]) -> list[ToolMessage]:
    """The answers of tools that the conversation ends with."""
    answers: list[ToolMessage] = []
    for message in reversed(messages):
        if not isinstance(message, ToolMessage):
            break
        answers.insert(0, message)
    return answers


def _refused(answer: ToolMessage) -> bool:
    return bool(answer.response_metadata.get("error") == Fault.BUDGET)


def _draft(
    messages: list[AnyMessage], answer: ToolMessage, output: type[BaseModel]
) -> Proposal | None:
    """The arguments of the call that `answer` answers, if they are the agent's own output."""
    asked = next((m for m in reversed(messages) if isinstance(m, AIMessage)), None)
    for call in asked.tool_calls if asked else ():
        if call["id"] == answer.tool_call_id:
            try:
                draft = output.model_validate(call["args"])
            except ValueError:
                return None
            return draft if isinstance(draft, Proposal) else None
    return None
