"""Route: peers answer alone, then again, each having read the peers that a router sends its way.

The router draws a directed acyclic graph over the peers from what they answered; an edge from one
to another means that the second reads the first. Peers answer again in topological order, those
that wait for nobody else side by side, and each reads the *current* answers upstream of it. Whoever
has nobody upstream keeps the answer. This repeats; then one answer is chosen. A peer that fails, or
cannot be read, keeps what it said before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from inspect import isawaitable
from typing import Any

import networkx as nx
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START
from langgraph.types import Command, Overwrite

from ..agents import Candidate, TeamState
from ..tools.condense import cut
from .branches import Gathering, add_branches, apart, gathered, gathering, limit_of
from .choosing import Chooser, choose
from .debate import SILENT, heard_from, speaker_of, words
from .quoting import LONGEST, quoted
from .selectors import majority
from .team import Member, Team, onwards

Router = Callable[[Sequence[Candidate]], "nx.DiGraph[int] | Awaitable[nx.DiGraph[int]]"]
"""Who reads whom, by their numbers; a function, async or not."""
Hearing = Callable[[Candidate, Sequence[Candidate]], Sequence[BaseMessage]]
"""What a peer, who answered the first, reads of those upstream, the nearest to the task first."""


class Routing(Gathering, total=False):
    """The state of a routed exchange."""

    waves: list[list[int]]
    """Who is still to answer in this round: each wave side by side, one after the other."""
    edges: list[tuple[int, int]]
    """Who reads whom in this round."""


def route(
    peers: Sequence[Member],
    router: Router,
    *,
    rounds: int = 1,
    hearing: Hearing | None = None,
    settle: Chooser = majority,
    name: str = "route",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team of peers who settle on one answer.

    Args:
        peers: who answers; they are numbered from 0.
        router: draws who reads whom, at the start of each round; over a subset of the numbers.
        rounds: times that the peers may answer again.
        hearing: what a peer reads of its own answer and of those upstream; by default `peers_said`.
        settle: chooses among the peers' last answers.

    While it runs it raises ValueError when the router's graph has a cycle or names no peer.

    Raises:
        ValueError: there are fewer than two peers, or `rounds` is negative.
    """
    if len(peers) < 2 or rounds < 0:
        raise ValueError(f"{len(peers)} peers, rounds={rounds}: an exchange needs two peers")
    shown = hearing or peers_said

    def outlook(state: TeamState, number: int) -> TeamState:
        seen: TeamState = {**apart(state), "said": []}
        now: Any = state
        if not now["candidates"]:
            return seen
        upstream = [now["candidates"][one] for one, other in now["edges"] if other == number]
        heard = shown(now["candidates"][number], upstream)
        messages: Any = [*(state.get("messages") or ()), *heard]
        return {**seen, "messages": messages}

    async def begin(state: TeamState) -> dict[str, Any]:
        fresh = {"candidates": [], "waves": [], "edges": [], "round": 0, "stop": ""}
        return {"gathered": Overwrite([]), "said": [], **fresh}

    async def hear(state: Routing) -> Command[Any]:
        new = [replace(each, round=state["round"]) for each in state["gathered"]]
        said = [*state["said"], *new]
        update: dict[str, Any] = {"gathered": Overwrite([]), "said": said}
        if not state["candidates"]:
            gathered(new)
        held = updated(state["candidates"] or new, new)
        update["candidates"] = held
        if stop := limit_of(new):
            return Command(update={**update, "stop": stop}, goto="settle")
        waves, edges, round = state["waves"], state["edges"], state["round"]
        while not waves and round < rounds:
            edges = await drawn(router, held)
            waves, round = levels(edges), round + 1
        if not waves:
            return Command(update=update, goto="settle")
        update |= {"waves": waves[1:], "edges": edges, "round": round}
        return onwards(state, update, lambda now: branches(now, waves[0]))

    async def close(state: TeamState) -> dict[str, Any]:
        return await choose(settle, state, state["candidates"])

    graph = gathering(schema=Routing)
    branches = add_branches(graph, "answer", peers, then="hear", outlook=outlook)
    nodes = tuple(dict.fromkeys(branches.nodes))
    graph.add_node("begin", begin)
    graph.add_node("hear", hear, destinations=(*nodes, "settle"))
    graph.add_node("settle", close)
    graph.add_edge(START, "begin")
    graph.add_conditional_edges("begin", branches.every, [*nodes])
    graph.add_edge("settle", END)
    return graph.compile(name=name, checkpointer=checkpointer)


def updated(held: Sequence[Candidate], new: Sequence[Candidate]) -> list[Candidate]:
    """`held` with what peers have newly said, where it can be read."""
    latest = {speaker_of(each): each for each in new if each.draft is not None}
    return [latest.get(number, each) for number, each in enumerate(held)]


async def drawn(router: Router, candidates: Sequence[Candidate]) -> list[tuple[int, int]]:
    """The edges of the router's graph.

    Raises:
        TypeError: it is no directed graph.
        ValueError: it has a cycle, or names no peer.
    """
    made = router(candidates)
    graph = await made if isawaitable(made) else made
    if not isinstance(graph, nx.DiGraph):
        raise TypeError(f"the router returned {graph!r}: it has to return a networkx.DiGraph")
    if strangers := [node for node in graph if node not in range(len(candidates))]:
        raise ValueError(f"the router names {strangers}; peers are 0 to {len(candidates) - 1}")
    if not nx.is_directed_acyclic_graph(graph):
        raise ValueError(f"the router's graph has a cycle: {nx.find_cycle(graph)}")
    return [(int(one), int(other)) for one, other in graph.edges]


def levels(edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Those who read somebody, in waves: each wave needs the ones before it only."""
    readers = {other for _, other in edges}
    waves = nx.topological_generations(nx.DiGraph(list(edges)))
    return [wave for each in waves if (wave := sorted(n for n in each if n in readers))]


def peers_said(own: Candidate, upstream: Sequence[Candidate]) -> list[BaseMessage]:
    """A peer's own words as its own, then what those upstream answered."""
    told = [each for each in upstream if each.draft]
    heard = [quoted(f"{each.by} {speaker_of(each)}", words(each)) for each in told]
    return [AIMessage(cut(words(own), LONGEST) or SILENT), heard_from(heard)]
