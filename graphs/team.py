"""What a team is, and what may be a member of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, TypedDict, TypeVar

from langchain_core.language_models import BaseChatModel
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from ..agents import Agent, Candidate, Critique, Person, Proposal, TeamContext, TeamState, Verdict
from ..episodes import BudgetExceeded

S = TypeVar("S", bound=Mapping[str, Any])
Team = CompiledStateGraph[TeamState, TeamContext, Any, Any]
"""A compiled LangGraph graph over `TeamState`."""
Member = Agent | Person | Team | Callable[[TeamState], Awaitable[Mapping[str, Any]]]
"""Whoever works in a team: an agent, a person, a whole team, or an async function of the state."""


class Settled(TypedDict, total=False):
    """What a team gives back to the graph that it is nested in. The conversation is not in it."""

    draft: Proposal | None
    critique: Critique | None
    verdict: Verdict | None
    candidates: list[Candidate]
    said: list[Candidate]
    round: int
    findings: dict[str, Any]
    answer: str
    stop: str


def seated(role: type[Agent], who: BaseChatModel | Member, **given: Any) -> Member:
    """`who` as a member: a chat model plays `role`, anybody else plays themselves."""
    return role(who, **given) if isinstance(who, BaseChatModel) else who


def name_of(member: Member) -> str:
    """What records and pictures call a member."""
    return str(getattr(member, "name", None) or getattr(member, "__name__", "") or "member")


async def work(member: Member, state: TeamState) -> dict[str, Any]:
    """The update that `member` makes of `state`; a spent budget is told in it (`stop`).

    Raises:
        TypeError: `member` is a function that is not async, or what it returns is no update.
    """
    try:
        if isinstance(member, CompiledStateGraph):
            return dict(await member.ainvoke(state))
        working = member(state)
        if not isawaitable(working):
            raise TypeError(f"member {name_of(member)!r} is not async: write it with `async def`")
        update = await working
    except BudgetExceeded as spent:
        return {"stop": str(spent)}
    if not isinstance(update, Mapping):
        raise TypeError(
            f"member {name_of(member)!r} returned {update!r}: it has to return an update of the "
            'team\'s state, such as {"draft": Answer(answer="7")}'
        )
    return dict(update)


def settled(draft: Proposal | None, **update: Any) -> dict[str, Any]:
    """The update of a team that has settled on `draft`; without one, an answer stays as it is."""
    return {"draft": draft, **update, **({"answer": draft.value} if draft else {})}


def onwards(state: S, update: dict[str, Any], route: Callable[[S], Any]) -> Command[Any]:
    """The update, and where `route` leads from the state that it makes. For a conditional edge
    LangGraph would read the state anew and trace the choice: a fifth of a refinement's CPU time."""
    seen: Any = {**state, **update}
    return Command(update=update, goto=route(seen))


def stopped(update: Mapping[str, Any]) -> dict[str, Any]:
    """The limit that a member ran into, as an update, if it did."""
    return {"stop": update["stop"]} if update.get("stop") else {}
