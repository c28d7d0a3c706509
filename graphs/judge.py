"""Judge: what several readings of the same proposals come to.

Each judge reads the candidates (or the one draft) a number of times, each time in an order of its
own, without knowing of the other readings. Verdicts are brought back to the order of the candidates
and combined: grades by their mean, the winner by the votes, else by the grades. A verdict that
cannot be read has no vote. Where two candidates have as many votes, the winner is left open: a
judge who prefers whatever stands first, read in both orders, decides nothing. Candidates of whom
none can be read are not judged.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START
from langgraph.types import Overwrite, Send

from ..agents import Candidate, TeamState, Verdict
from .branches import Gathering, add_branches, apart, gathered, gathering
from .team import Member, Team, name_of

Order = tuple[int, ...]
"""Which candidate stands at each place."""
Orders = Literal["given", "swap", "shuffle"]
Combine = Callable[[Sequence["Ballot"], int], Verdict | None]
"""One verdict out of the ballots on so many candidates; None when nothing can be said."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """One reading."""

    judge: str
    order: Order
    """The candidates as they were shown."""
    verdict: Verdict | None
    """In the order of the candidates; None when it could not be read."""
    score: float | None = None
    """How far the reading itself is trusted, where it was reviewed."""


def judge(
    judges: Member | Sequence[Member],
    *,
    readings: int | None = None,
    orders: Orders = "given",
    review: Member | None = None,
    combine: Combine | None = None,
    name: str = "judge",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team that judges `state["candidates"]`, or the draft, and writes one verdict.

    Args:
        judges: one or several (a panel); of several proposals they should be `Ranker`s.
        readings: how often each judge reads; by default once, twice with `swap`.
        orders: `given`; `swap`, every second reading from last to first; or `shuffle`, each
            reading in an order drawn from the task's id.
        review: grades each reading (`state["verdict"]` of `state["candidates"]`).
        combine: makes one verdict of the ballots; by default `consensus`.

    Raises:
        ValueError: there is no judge or no reading, or an order is unknown.
    """
    panel = list(judges) if isinstance(judges, Sequence) else [judges]
    times = (2 if orders == "swap" else 1) if readings is None else readings
    if not panel or times < 1:
        raise ValueError(f"{len(panel)} judges and {times} readings: there must be one at least")
    if orders not in ("given", "swap", "shuffle"):
        raise ValueError(f"orders={orders!r}: choose given, swap or shuffle")
    readers = [member for member in panel for _ in range(times)]
    merge = combine or consensus

    def order(state: TeamState, number: int) -> Order:
        places = list(range(len(state.get("candidates") or ())))
        reading = number % times
        if orders == "swap" and reading % 2:
            places.reverse()
        elif orders == "shuffle":
            task = state.get("task")
            random.Random(f"{task.id if task else ''}/{number}").shuffle(places)
        return tuple(places)

    def outlook(state: TeamState, number: int) -> TeamState:
        held = state.get("candidates") or []
        shown = [held[place] for place in order(state, number)]
        return {**apart(state), "candidates": shown}

    async def begin(state: TeamState) -> dict[str, Any]:
        if not state.get("candidates") and state.get("draft") is None:
            raise ValueError(
                "there is nothing to judge: the state holds no candidates and no draft"
            )
        return {"gathered": Overwrite([]), "verdict": None}

    async def settle(state: Gathering) -> dict[str, Any]:
        read, stop = gathered(state["gathered"])
        ballots = [
            ballot(each, order(state, number), readers[number], graded=review is not None)
            for number, each in enumerate(read)
        ]
        verdict = merge(ballots, len(state.get("candidates") or ()) or 1)
        return {"verdict": verdict, **({"stop": stop} if stop else {})}

    async def read(state: TeamState) -> list[Send] | str:
        shown = state.get("candidates") or ()
        return END if shown and not any(each.draft for each in shown) else branches(state)

    graph = gathering(Judged)
    branches = add_branches(graph, "read", readers, then="combine", review=review, outlook=outlook)
    graph.add_node("begin", begin)
    graph.add_node("combine", settle)
    graph.add_edge(START, "begin")
    graph.add_conditional_edges("begin", read, [*branches.nodes, END])
    graph.add_edge("combine", END)
    return graph.compile(name=name, checkpointer=checkpointer)


class Judged(TypedDict, total=False):
    """What a judge gives back to the graph that it is nested in."""

    verdict: Verdict | None
    stop: str


def ballot(read: Candidate, order: Order, judge: Member, graded: bool = False) -> Ballot:
    """The reading `read` of candidates shown in `order`; its grade counts where it was reviewed."""
    verdict = read.verdict
    if verdict is not None and order:
        verdict = in_order(verdict, order)
    return Ballot(name_of(judge), order, verdict, read.score if graded else None)


def in_order(verdict: Verdict, order: Order) -> Verdict | None:
    """A verdict on candidates shown in `order`, as one on the candidates; None when it speaks of
    others than were shown."""
    winner, scores = verdict.winner, verdict.scores
    if winner is not None and not 0 <= winner < len(order):
        return None
    if scores and len(scores) != len(order):
        return None
    back = tuple(scores[order.index(place)] for place in range(len(order))) if scores else ()
    named = None if winner is None else order[winner]
    return verdict.model_copy(update={"winner": named, "scores": back})


def consensus(ballots: Sequence[Ballot], size: int) -> Verdict | None:
    """Mean grades; the winner with most votes, where a ballot's vote is its winner, else its one
    best grade; the decision of most ballots, `revise` between equals.

    `confidence` is the winner's share of the votes (of the decisions, where there is one draft).
    """
    verdicts = [each.verdict for each in ballots if each.verdict is not None]
    if not verdicts:
        return None
    graded = [verdict.scores for verdict in verdicts if len(verdict.scores) == size]
    scores = tuple(sum(column) / len(graded) for column in zip(*graded, strict=True))
    accepts = sum(verdict.decision == "accept" for verdict in verdicts)
    decision: Literal["accept", "revise"] = "accept" if 2 * accepts > len(verdicts) else "revise"
    votes = Counter(vote for verdict in verdicts if (vote := vote_of(verdict)) is not None)
    winner: int | None = None
    share = max(accepts, len(verdicts) - accepts) / len(verdicts)
    if size > 1:
        ranked = votes.most_common(2)
        clear = len(ranked) == 1 or (len(ranked) == 2 and ranked[0][1] > ranked[1][1])
        winner, share = (ranked[0][0], ranked[0][1] / len(verdicts)) if clear else (None, 0.0)
    rationale = "\n\n".join(verdict.rationale for verdict in verdicts if verdict.rationale)
    return Verdict(
        rationale=rationale, decision=decision, winner=winner, scores=scores, confidence=share
    )


def agreed(ballots: Sequence[Ballot], size: int) -> Verdict | None:
    """As `consensus`, but nobody wins whom not every reading is for: one that cannot be read, or
    is for nobody alone, is no agreement."""
    verdict = consensus(ballots, size)
    votes = {each.verdict and vote_of(each.verdict) for each in ballots}
    if verdict is None or size == 1 or (len(votes) == 1 and None not in votes):
        return verdict
    undecided = {"decision": "revise", "winner": None, "scores": (), "confidence": 0.0}
    return verdict.model_copy(update=undecided)


def vote_of(verdict: Verdict) -> int | None:
    """Whom a verdict on several candidates is for; None when it is for nobody alone."""
    if verdict.winner is not None or not verdict.scores:
        return verdict.winner
    top = max(verdict.scores)
    return verdict.scores.index(top) if verdict.scores.count(top) == 1 else None
