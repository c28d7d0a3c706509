"""Round robin: every answer is compared with every other, in both orders.

Several answers are written side by side. Then a rater reads each pair, once in each order, in calls
that know of no others. What it prefers is left in the findings, for whoever learns from it: row i,
column j says how far i was preferred to j when i was shown first, 1, 0, or 0.5 where the verdict
names neither or cannot be read. An answer that cannot be read loses to one that can, without being
shown. The team settles on the answer with the most wins.

In the record the answers' branches are `answer/0`, `answer/1`, ...
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START
from langgraph.types import Overwrite, Send

from ..agents import Candidate, TeamState, Verdict
from .branches import Gathering, add_branches, apart, gathered, gathering, limit_of
from .team import Member, Team, settled

ANSWER = "answer"
PREFERENCES = "preferences"
"""Where the table stands in the findings."""
TIE = 0.5


def round_robin(
    member: Member,
    rater: Member,
    n: int,
    *,
    name: str = "round robin",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team that answers `n` times and compares all pairs, in n * (n - 1) readings.

    Args:
        member: answers.
        rater: reads two `state["candidates"]` and writes a verdict with a winner, as a `Ranker`.
        n: answers.

    Raises:
        ValueError: `n` is less than 2.
    """
    if n < 2:
        raise ValueError(f"n={n}: at least 2 answers are needed to compare")
    pairs = list(permutations(range(n), 2))

    async def begin(state: TeamState) -> dict[str, Any]:
        return {"gathered": Overwrite([]), "stop": ""}

    async def collect(state: Gathering) -> dict[str, Any]:
        candidates, stop = gathered(state["gathered"])
        return {"candidates": candidates, "gathered": Overwrite([]), "stop": stop}

    def shown(state: TeamState, number: int) -> TeamState:
        held = state["candidates"]
        return {**apart(state), "candidates": [held[place] for place in pairs[number]]}

    def readable(state: TeamState) -> list[int]:
        held = state["candidates"]
        return [at for at, pair in enumerate(pairs) if all(held[place].draft for place in pair)]

    async def ask(state: TeamState) -> list[Send]:
        return answers(state, prefix=f"{ANSWER}/")

    async def compare(state: TeamState) -> list[Send] | str:
        return ratings(state, readable(state), prefix="pair/") or "settle"

    async def settle(state: Gathering) -> dict[str, Any]:
        held, read = state["candidates"], state["gathered"]
        table = [[_unread(held[i], held[j]) for j in range(n)] for i in range(n)]
        for at, rated in zip(readable(state), read, strict=True):
            first, second = pairs[at]
            table[first][second] = _preferred(rated.verdict)
        wins = [
            sum(table[i][j] + 1 - table[j][i] for j in range(n) if j != i) if each.draft else -1
            for i, each in enumerate(held)
        ]
        best = max(range(n), key=lambda place: wins[place])
        return settled(
            held[best].draft,
            candidates=held,
            findings={PREFERENCES: table},
            stop=state["stop"] or limit_of(read),
        )

    graph = gathering()
    answers = add_branches(graph, ANSWER, [member] * n, then="collect")
    ratings = add_branches(graph, "rate", [rater] * len(pairs), then="settle", outlook=shown)
    graph.add_node("begin", begin)
    graph.add_node("collect", collect)
    graph.add_node("settle", settle)
    graph.add_edge(START, "begin")
    graph.add_conditional_edges("begin", ask, [*answers.nodes])
    graph.add_conditional_edges("collect", compare, [*ratings.nodes, "settle"])
    graph.add_edge("settle", END)
    return graph.compile(name=name, checkpointer=checkpointer)


def _unread(first: Candidate, second: Candidate) -> float:
    """Where not both can be read."""
    return TIE + (bool(first.draft) - bool(second.draft)) / 2


def _preferred(verdict: Verdict | None) -> float:
    """How far the first of two was preferred."""
    winner = verdict.winner if verdict else None
    return {0: 1.0, 1: 0.0}.get(winner, TIE) if winner is not None else TIE
