"""Refine: an actor drafts, a critic reviews, a judge decides, and the actor drafts again.

Every member sees the task's conversation; the critic sees the draft besides, the judge the draft
and the review, and the actor, when it drafts again, its own draft and the review. All drafts and
what was said of them stand in `state["said"]`, for members that learn from them. The judge ends
the refinement by accepting; after `rounds` revisions without that, the best draft wins: the one
that the judge scored highest, and the later one between equals. Without a judge the critic's
verdict decides and the last draft wins. A reply that cannot be read is never taken for consent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from ..agents import Candidate, TeamContext, TeamState
from .branches import score_of
from .team import Member, Settled, Team, name_of, onwards, stopped, work

StopRule = Callable[[TeamState], bool]


def accepted(state: TeamState) -> bool:
    """The judge accepts the draft."""
    verdict = state.get("verdict")
    return verdict is not None and verdict.decision == "accept"


def found_correct(state: TeamState) -> bool:
    """The critic finds the draft correct."""
    critique = state.get("critique")
    return critique is not None and critique.verdict == "correct"


def refine(
    actor: Member,
    critic: Member,
    judge: Member | None = None,
    *,
    reviser: Member | None = None,
    rounds: int = 2,
    stop: StopRule | None = None,
    name: str = "refine",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team of actor, critic and, where given, judge.

    Each member may be an agent, a person, a whole team, or a function: a critic that runs tests,
    say. The actor writes `draft`, the critic `critique`, the judge `verdict`.

    Args:
        reviser: drafts in the actor's place where there is a draft already; by default the actor.
        rounds: revisions at most; the actor drafts once more than that.
        stop: when the draft stands; by default when the judge accepts it (without a judge, when the
            critic finds it correct).
        checkpointer: LangGraph's, to pause and resume.

    Raises:
        ValueError: `rounds` is negative.
    """
    if rounds < 0:
        raise ValueError(f"rounds={rounds}: a team cannot revise a negative number of times")
    stands = stop or (accepted if judge else found_correct)

    async def begin(state: TeamState) -> TeamState:
        return {
            "draft": None,
            "critique": None,
            "verdict": None,
            "best": None,
            "best_score": -1.0,
            "said": [],
            "round": 0,
            "unread": 0,
            "stop": "",
        }

    async def draft(state: TeamState) -> Command[str]:
        author = reviser if reviser and state["draft"] is not None else actor
        update = await work(author, state)
        new, round = update.get("draft"), state["round"] + 1
        said = [*state["said"], Candidate(by=name_of(author), round=round, draft=new)]
        kept = {"draft": state["draft"] if new is None else new, **stopped(update)}
        unread = int(new is None)
        return onwards(state, {**kept, "round": round, "unread": unread, "said": said}, drafted)

    async def criticise(state: TeamState) -> Command[str]:
        update = await work(critic, state)
        critique = update.get("critique")
        said = noted(state, critique=critique)
        return onwards(state, {"critique": critique, "said": said, **stopped(update)}, reviewed)

    async def decide(state: TeamState) -> Command[str]:
        assert judge is not None
        update = await work(judge, state)
        verdict = update.get("verdict")
        score = score_of(update) or 0.0
        said = noted(state, verdict=verdict, score=score)
        told = {"verdict": verdict, "said": said, **stopped(update)}
        if score >= state["best_score"] and not update.get("stop"):
            told |= {"best": state["draft"], "best_score": score}
        return onwards(state, told, decided)

    async def settle(state: TeamState) -> dict[str, Any]:
        best, draft = state.get("best"), state.get("draft")
        final = draft if not state["stop"] and stands(state) else best or draft
        return {"draft": final, "answer": final.value} if final else {"draft": None}

    def drafted(state: TeamState) -> str:
        last = state["round"] > rounds
        if state["stop"] or (last and (state["unread"] or judge is None)):
            return "settle"
        return "draft" if state["unread"] else "critique"

    def reviewed(state: TeamState) -> str:
        if state["stop"]:
            return "settle"
        return "judge" if judge else decided(state)

    def decided(state: TeamState) -> str:
        done = state["stop"] or stands(state) or state["round"] > rounds
        return "settle" if done else "draft"

    graph = StateGraph(TeamState, context_schema=TeamContext, output_schema=Settled)
    graph.add_node("begin", begin)
    graph.add_node("draft", draft, destinations=("draft", "critique", "settle"))
    after = "judge" if judge else "draft"
    graph.add_node("critique", criticise, destinations=(after, "settle"))
    if judge:
        graph.add_node("judge", decide, destinations=("draft", "settle"))
    graph.add_node("settle", settle)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "draft")
    graph.add_edge("settle", END)
    return graph.compile(name=name, checkpointer=checkpointer)


def noted(state: TeamState, **told: Any) -> list[Candidate]:
    """What was said so far, with what was told of the last of it."""
    *before, last = state["said"]
    return [*before, replace(last, **told)]
