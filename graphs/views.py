"""Two views: a question and its paraphrase, each answered several times.

A rewriter puts the question into other words, once. Then answers to the original and to the
rewritten question are written side by side, each without knowing of any other, and the team settles
on the majority's answer to the original. Where the rewriting cannot be read there is one view only.
In the record the branches are `original/0`, `original/1`, ... and `rewritten/N`, ...
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START
from langgraph.types import Overwrite, Send
from pydantic import Field

from ..agents import Actor, Proposal, TeamState
from .branches import Gathering, add_branches, apart, gathered, gathering
from .choosing import choose
from .selectors import majority
from .team import Member, Team, stopped, work

ORIGINAL, REWRITTEN = "original", "rewritten"


class Paraphrase(Proposal):
    """A question in other words."""

    question: str = Field(min_length=1)

    @property
    def value(self) -> str:
        return self.question


class Rewriter(Actor):
    """Puts a question into other words, with the same answer."""

    role = "rewriter"
    prompt = (
        "Rewrite the question so that it tells of another situation with other words, and has "
        "exactly the same answer: keep every number and what is asked of it. Do not answer it."
    )
    output = Paraphrase


def two_views(
    member: Member,
    rewriter: Member,
    n: int,
    *,
    name: str = "two views",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team that answers a question and its paraphrase `n` times each.

    Args:
        member: answers.
        rewriter: writes the paraphrase to `draft`, as a `Rewriter` does.
        n: answers to each.

    Raises:
        ValueError: `n` is less than 1.
    """
    if n < 1:
        raise ValueError(f"n={n}: it must be at least 1")

    async def rewrite(state: TeamState) -> dict[str, Any]:
        update = await work(rewriter, state)
        return {"draft": update.get("draft"), "gathered": Overwrite([]), **stopped(update)}

    def other(state: TeamState, number: int) -> TeamState:
        draft = state["draft"]
        assert draft is not None
        return {**apart(state), "draft": None, "messages": [HumanMessage(draft.value)]}

    async def views(state: TeamState) -> list[Send]:
        sent = original(state, prefix=f"{ORIGINAL}/")
        return sent + (rewritten(state, prefix=f"{REWRITTEN}/") if state.get("draft") else [])

    async def settle(state: Gathering) -> dict[str, Any]:
        candidates, stop = gathered(state["gathered"])
        first = [each for each in candidates if view_of(each.branch) == ORIGINAL]
        update = await choose(majority, state, first)
        return {**update, "candidates": candidates, "stop": stop}

    graph = gathering()
    original = add_branches(
        graph,
        "answer",
        [member] * n,
        then="select",
        outlook=lambda state, number: {**apart(state), "draft": None},
    )
    rewritten = add_branches(graph, "answer again", [member] * n, then="select", outlook=other)
    graph.add_node("rewrite", rewrite)
    graph.add_node("select", settle)
    graph.add_edge(START, "rewrite")
    graph.add_conditional_edges("rewrite", views, [*original.nodes, *rewritten.nodes])
    graph.add_edge("select", END)
    return graph.compile(name=name, checkpointer=checkpointer)


def view_of(branch: str) -> str:
    """`original` or `rewritten`, from a branch's id; empty for what stands in neither."""
    return next((part for part in branch.split("/") if part in (ORIGINAL, REWRITTEN)), "")
