"""Choosing among candidates: by a selector, or by a member who reads them and gives a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import iscoroutinefunction
from typing import Any, cast

from langgraph.pregel.protocol import PregelProtocol

from ..agents import Agent, Candidate, Person, Proposal, TeamState, Verdict
from .selectors import Selector, majority
from .team import Member, settled, work

Chooser = Selector | Member
"""A selector; or a member who sees `state["candidates"]` and writes a verdict with a winner or with
scores, or a draft of its own."""


async def choose(
    chooser: Chooser, state: TeamState, candidates: Sequence[Candidate]
) -> dict[str, Any]:
    """The update of a team that has settled on one of `candidates`.

    Where a member's verdict cannot be read, or names nobody, the majority decides: a judge that
    does not judge is never taken for one who chose.

    Raises:
        TypeError: `chooser` is neither a member nor a selector.
        ValueError: a selector chose a place that no candidate has.
    """
    held = list(candidates)
    verdict: Verdict | None = None
    place: int | None = None
    stop = ""
    if member := as_member(chooser):
        seen: Any = {**state, "candidates": held, "draft": None, "critique": None, "verdict": None}
        update = await work(member, seen)
        stop = update.get("stop") or ""
        if isinstance(draft := update.get("draft"), Proposal):
            return settled(draft, candidates=held, verdict=update.get("verdict"), stop=stop)
        verdict = update.get("verdict")
        place = chosen(verdict, held)
    else:
        place = _selected(chooser, held)
    if place is None:
        place = majority(held)
    draft = None if place is None else held[place].draft
    update = settled(draft, candidates=held, verdict=verdict)
    return {**update, "stop": stop} if stop else update


def _selected(selector: Chooser, candidates: list[Candidate]) -> int | None:
    """The place that a selector names."""
    if not callable(selector):
        raise TypeError(
            f"{selector!r} cannot choose: give a member, or a function of the candidates such as "
            "`graphs.selectors.majority`"
        )
    place = cast(Selector, selector)(candidates)
    if place is not None and place not in range(len(candidates)):
        raise ValueError(f"the selector chose {place!r}; places are 0 to {len(candidates) - 1}")
    return place


def chosen(verdict: Any, candidates: Sequence[Candidate]) -> int | None:
    """The place of the candidate that a verdict chooses: its winner, else the best of its scores,
    the first of equals. None where it names nobody, or one without a readable draft."""
    if not isinstance(verdict, Verdict):
        return None
    place = verdict.winner
    if place is None and len(verdict.scores) == len(candidates):
        place = max(range(len(candidates)), key=lambda i: verdict.scores[i], default=None)
    if place is None or not 0 <= place < len(candidates) or candidates[place].draft is None:
        return None
    return place


def as_member(chooser: Chooser) -> Member | None:
    """`chooser`, if it is a member of a team; None for a selector, which is a plain function."""
    if isinstance(chooser, (Agent, Person, PregelProtocol)):
        return chooser
    waits = iscoroutinefunction(chooser) or iscoroutinefunction(type(chooser).__call__)
    return cast(Member, chooser) if waits else None
