"""DeepAgent: one agent reasons, finds tools, calls them, and folds its thoughts.

The agent has one conversation. Beside the tools that are shown to it (with `show`, it finds others
by `search_tools`) it can call `fold_memory`: three writers then turn all that was said into
episodic, working and tool memory, at the same time, and the conversation begins anew with the
original prompt and the three memories. Three folds are allowed; the fourth is refused. A call that
was answered with the same arguments since the last fold is not run again. A reply without calls is
the answer. After 50 actions, or when the conversation since the last fold has 40,000 words, the
agent is asked once more, without tools.

Where the paper's model writes search, call and fold as tags into one stream, calls of tools stand
here, so that any chat model can do it. Long answers are shortened by each tool's policy
(`ToolPolicy(cap=..., condense=...)`).

Paper: "DeepAgent: A General Reasoning Agent with Scalable Toolsets", arXiv 2510.21618. Its
training, ToolPO, is no part of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Overwrite

from ...agents import Agent, Proposal, TeamContext, TeamState
from ...episodes import BudgetExceeded
from ...episodes.paper import Paper
from ...memory.working.folding import MAX_FOLDS, Folded, fold
from ...tools import Fault, ToolPolicy, ToolRegistry, ToolSource
from ...tools.held import refused
from ..team import Team
from ..use_tools import UNREADABLE

PAPER = Paper(
    title="DeepAgent: A General Reasoning Agent with Scalable Toolsets",
    arxiv="2510.21618",
    kind="graph",
)
FOLD = "fold_memory"
MAX_ACTIONS = 50
"""Calls of tools, folds included, as in the paper's code."""
MAX_WORDS = 40_000
"""Words of the conversation since the last fold, as in the paper's code, which counts words."""
SPENT = "Call no more tools. Answer now, with what you know."
REFUSED = "Your thoughts were folded {folds} times, which is the most: go on with what you have."
UNWRITTEN = "Your thoughts could not be folded: go on with what you have."


class DeepState(TeamState, total=False):
    """The state of a deep agent."""

    opening: int
    """Messages of the original prompt."""
    folds: int
    folded: Folded | None
    """The memories of the last fold."""


def deep_agent(
    agent: Agent,
    tools: ToolRegistry | Iterable[ToolSource],
    *,
    writer: BaseChatModel | None = None,
    max_folds: int = MAX_FOLDS,
    max_actions: int = MAX_ACTIONS,
    max_words: int = MAX_WORDS,
    unread_limit: int = 3,
    name: str = "deep_agent",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team of one agent that folds its memory.

    Args:
        agent: an actor; its output type and format are those of its answer.
        tools: a registry, or what one is made of; in the latter case no call is run twice.
        writer: the model that writes memories; the agent's own by default.
        max_folds: folds, at most.
        max_actions: calls of tools after which an answer is demanded.
        max_words: words since the last fold after which an answer is demanded.
        unread_limit: replies in a row that are neither calls nor a readable answer, which end it.

    Raises:
        ValueError: a limit is out of its range, or a tool ends the task or is called `fold_memory`.
    """
    least = {"max_folds": 0, "max_actions": 1, "max_words": 1, "unread_limit": 1}
    for limit, value in zip(least, (max_folds, max_actions, max_words, unread_limit), strict=True):
        if value < least[limit]:
            raise ValueError(f"{limit}={value}: it must be at least {least[limit]}")
    registry = (
        tools
        if isinstance(tools, ToolRegistry)
        else ToolRegistry(tools, policy=ToolPolicy(once=True))
    )
    if FOLD in registry:
        raise ValueError(f"a tool is called {FOLD!r}, which is taken")
    if ends := [tool.name for tool in registry if tool.return_direct]:
        raise ValueError(f"{ends[0]} ends a task, but this agent ends it by a reply: leave it out")
    model = writer or agent.model
    folding = StructuredTool.from_function(coroutine=fold_memory)

    async def begin(state: DeepState) -> DeepState:
        return {
            "opening": len(state["messages"]),
            "folds": 0,
            "folded": None,
            "steps": 0,
            "unread": 0,
            "draft": None,
            "answer": "",
            "stop": "",
        }

    async def think(state: DeepState) -> Command[Any]:
        messages = state["messages"]
        spent = state["steps"] >= max_actions or _words(messages[state["opening"] :]) >= max_words
        try:
            if spent:
                last: DeepState = {**state, "messages": [*messages, HumanMessage(SPENT)]}
                message = await agent.ask(last)
            else:
                message = await agent.ask(state, [*registry.shown(messages), folding])
        except BudgetExceeded as stop:
            return Command(update={"stop": str(stop)}, goto=END)
        if not spent and (message.tool_calls or message.invalid_tool_calls):
            return Command(update={"messages": [message]}, goto="act")
        draft = agent.read(message)
        if isinstance(draft, Proposal):
            update = {"messages": [message], "draft": draft, "answer": draft.value}
            return Command(update=update, goto=END)
        times = state["unread"] + 1
        over = spent or times >= unread_limit
        said = [message, HumanMessage(UNREADABLE)]
        update = {"messages": said, "unread": times, "stop": "unreadable replies" if over else ""}
        return Command(update=update, goto=END if over else "think")

    async def act(state: DeepState) -> dict[str, Any]:
        messages = state["messages"]
        asked = cast(AIMessage, messages[-1])
        folds = [call for call in asked.tool_calls if call["name"] == FOLD]
        others = [call for call in asked.tool_calls if call["name"] != FOLD]
        said = [*messages[:-1], asked.model_copy(update={"tool_calls": others})]
        answers = await registry.answer(said, agent.config)
        steps = state["steps"] + max(1, len(asked.tool_calls))
        update: dict[str, Any] = {"steps": steps, "unread": 0}
        why = REFUSED.format(folds=state["folds"])
        if folds and state["folds"] < max_folds:
            opening, before = messages[: state["opening"]], state["folded"]
            since = [*messages[state["opening"] + (before is not None) :], *answers]
            update["folds"] = state["folds"] + 1
            try:
                folded, why = await fold(model, opening, since, before), UNWRITTEN
            except BudgetExceeded as spent:
                folded, why = None, str(spent)
                update["stop"] = why
            if folded is not None:
                kept = Overwrite([*opening, folded.message()])
                return {**update, "messages": kept, "folded": folded}
        notices = [refused(FOLD, Fault.BUDGET, why).message(call["id"]) for call in folds]
        return {**update, "messages": _in_order(asked, [*answers, *notices])}

    async def acted(state: DeepState) -> str:
        return END if state["stop"] else "think"

    graph = StateGraph(DeepState, context_schema=TeamContext)
    graph.add_node("begin", begin)
    graph.add_node("think", think, destinations=("think", "act", END))
    graph.add_node("act", act)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "think")
    graph.add_conditional_edges("act", acted, ["think", END])
    return cast(Team, graph.compile(name=name, checkpointer=checkpointer))


async def fold_memory() -> str:
    """Fold all that was said so far into a short memory, when it has grown long or led nowhere.
    You keep the task and the memory; everything else is forgotten."""
    raise NotImplementedError("folding is done by the graph")


def _words(messages: Sequence[BaseMessage]) -> int:
    return sum(len(message.text.split()) for message in messages)


def _in_order(asked: AIMessage, answers: list[ToolMessage]) -> list[ToolMessage]:
    """`answers` in the order of the calls; those to unreadable calls come last."""
    places = {call["id"] or "": place for place, call in enumerate(asked.tool_calls)}
    return sorted(answers, key=lambda answer: places.get(answer.tool_call_id, len(places)))
