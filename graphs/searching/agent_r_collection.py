"""Agent-R's collection for the record: the tree of plays, and what the actor thinks went wrong.

When the search is over, every bad end is paired with one good end, the one whose play it shares
most with, and the actor judges the bad play step by step, from its start to the first error. Tree
and pairs are left in the findings, so the judge's calls are on record and in the budget. A step
that several plays share is judged once. Without a judge the bad play is kept whole: the paper's
baseline, direct revision.

Paper: "Agent-R", arXiv 2501.11425. There a play is paired with every better one below the same
parent, in its repository with every better one of the tree; one partner a play keeps an easy task
from flooding the data with near copies.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict

from ...agents import TeamState, ToolAgent, Verdict
from ...episodes import BudgetExceeded, Episode, Task
from ..leave_tree import leave_tree
from ..team import Member, Team, seated, stopped, work
from ..tree import Tree
from .agent_r import ALPHAS, BETA, StepJudge, StepLabel, agent_r, end_pairs, first_error

REVISIONS = "revisions"
"""Where findings have what was judged."""
LABELS: Mapping[str, Any] = {"accept": "good", "revise": "bad"}


class Revision(BaseModel):
    """A bad play and the good one that it is to go over to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    good: int
    bad: int
    error: int | None = None
    """The first node of the bad play that was called bad, where one was."""


def agent_r_collection(
    model: BaseChatModel | Member,
    judge: BaseChatModel | Member | None,
    *,
    alpha: float = ALPHAS[0],
    beta: float = BETA,
    most: int = 8,
    **options: Any,
) -> Team:
    """A team that collects a tree, judges what is to be revised, and leaves both in its findings.

    Args:
        model: plays.
        judge: judges steps (writes `StepLabel` to `label`); None takes bad plays whole.
        alpha: what a good play scores more than.
        beta: by how much the scores of a pair differ, more than.
        most: pairs of a tree, at most.
        options: of `agent_r`.
    """
    judges = None if judge is None else seated(StepJudge, judge)

    async def revisions(tree: Tree, state: TeamState) -> dict[str, Any]:
        task: Task = state["task"]
        chance = random.Random(task.id)
        found: list[dict[str, Any]] = []
        known: dict[int, bool] = {}
        stop = ""
        for good, bad in partners(tree, alpha, beta, chance)[:most]:
            try:
                error = await first_error(tree, bad, judges, state, known) if judges else None
            except BudgetExceeded as spent:  # what was not judged is not revised
                stop = str(spent)
                break
            found.append(Revision(good=good, bad=bad, error=error).model_dump())
        return {REVISIONS: found, "stop": stop}

    search = agent_r(seated(ToolAgent, model), **options)
    return leave_tree(search, revisions, name="agent-r-collection")


def partners(tree: Tree, alpha: float, beta: float, chance: random.Random) -> list[tuple[int, int]]:
    """Pairs (good end, bad end) in a random order: each bad end with the good one whose path it
    shares most of."""
    pairs = end_pairs(tree, alpha, beta)
    chance.shuffle(pairs)
    path = {end: {node.id for node in tree.path(end)} for pair in pairs for end in pair}
    best: dict[int, int] = {}
    for good, bad in pairs:
        if bad not in best or len(path[good] & path[bad]) > len(path[best[bad]] & path[bad]):
            best[bad] = good
    return [(good, bad) for bad, good in best.items()]


def revisions_of(episode: Episode) -> list[Revision]:
    """What was judged in an episode.

    Raises:
        ValueError: nothing was, or it cannot be read.
    """
    return [Revision.model_validate(each) for each in episode.findings.get(REVISIONS, [])]


def by_verdict(judge: Member) -> Member:
    """A judge of proposals (`Judge`), as a judge of steps: it reads what came before the step, and
    the action as a draft. To send it back is to call it bad.

    For small models that know the judge's prompt and not the step judge's. It does not see what the
    action led to.
    """

    async def verifier(state: TeamState) -> dict[str, Any]:
        before: Any = {"messages": state["messages"][:-2], "draft": state["draft"]}
        if "task" in state:
            before["task"] = state["task"]
        update = await work(judge, before)
        verdict = update.get("verdict")
        known = isinstance(verdict, Verdict)
        label = StepLabel(label=LABELS[verdict.decision]) if known and verdict else None
        return {"label": label, **stopped(update)}

    return verifier
