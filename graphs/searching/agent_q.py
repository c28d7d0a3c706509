"""Agent Q: tree search over actions in a world, guided by outcomes and by a critic's ranking.

At a position the actor proposes several actions; the critic (the same model) picks the best of
them, then the best of those that remain, and so on, and the place of an action in that ranking is
its process score, from 1 down to 1/K. Selection is UCB1 on a blend of that score and the mean
outcome, half each. From the best new action the policy plays on to the end, which is worth 1 or 0;
that is backed up, and so is a new action that ends the task. The others count as not visited. What
the search leaves behind are preference pairs at each position: every two actions whose blended
quality differs by more than a threshold (`preferences`).

Paper: "Agent Q: Advanced Reasoning and Learning for Autonomous AI Agents", arXiv 2408.07199. No
official code was released. That process scores fall linearly with the rank is an assumption.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel

from ...agents import Ranker, TeamState, ToolAgent, Verdict
from ...episodes.paper import Paper
from ..choosing import chosen
from ..search import Rollout, search
from ..team import Member, Team, seated, stopped, work
from ..tree import Node, Pair, Tree, add_to_ancestors, blended, descend, pairs

PAPER = Paper(
    title="Agent Q: Advanced Reasoning and Learning for Autonomous AI Agents",
    arxiv="2408.07199",
    kind="graph",
)
SHARE = 0.5
"""How much of the quality is the mean outcome; the rest is the critic's."""


def agent_q(
    model: BaseChatModel | Member,
    critic: BaseChatModel | Member | None = None,
    *,
    proposals: int = 3,
    share: float = SHARE,
    c: float = 1.0,
    expansions: int = 20,
    max_depth: int = 20,
) -> Team:
    """A team that searches in its world, then stands at the end it found best.

    Args:
        critic: picks the best of several candidates (a verdict with a winner).
        c: the weight of exploration.
    """
    actor = seated(ToolAgent, model)
    judge = seated(Ranker, model if critic is None else critic, name="critic")
    return search(
        actor,
        proposals=proposals,
        select=descend(blended(share, c), proposals),
        rank=ranking(judge),
        rollout=Rollout(actor, steps=max_depth, among=promising),
        backup=outcomes_only,
        expansions=expansions,
        max_depth=max_depth,
        enough=lambda tree: any(end.reward >= 1.0 for end in tree.ends()),
        name="agent-q",
    )


def ranking(critic: Member) -> Member:
    """A member that ranks `state["candidates"]` by asking for the best again and again.

    Where the critic names nobody, those that remain share what is left in their order.
    """

    async def critic_ranks(state: TeamState) -> dict[str, Any]:
        left = list(enumerate(state["candidates"]))
        order: list[int] = []
        while len(left) > 1:
            shown: Any = {**state, "candidates": [each for _, each in left]}
            update = await work(critic, shown)
            if update.get("stop"):
                return {"verdict": None, **stopped(update)}
            place = chosen(update.get("verdict"), [each for _, each in left])
            if place is None:
                break
            order.append(left.pop(place)[0])
        order += [number for number, _ in left]
        scores = scores_of(order)
        return {"verdict": Verdict(decision="accept", winner=order[0], scores=scores)}

    return critic_ranks


def scores_of(order: Sequence[int]) -> tuple[float, ...]:
    """Of each candidate, the process score of its place in a ranking, best first."""
    ranks = {number: rank for rank, number in enumerate(order)}
    return tuple((len(order) - ranks[number]) / len(order) for number in range(len(order)))


def promising(fresh: Sequence[Node]) -> Sequence[Node]:
    """The new position with the best process score."""
    return [max(fresh, key=lambda node: node.prior)] if fresh else []


def outcomes_only(tree: Tree, node: Node) -> None:
    """Tell the nodes above where the outcome is known; what was not played out says nothing."""
    if node.terminal or node.rollout is not None:
        add_to_ancestors(tree, node)


def preferences(tree: Tree, threshold: float, share: float = SHARE) -> list[Pair]:
    """Pairs of actions at one position whose qualities differ by more than `threshold`."""
    return pairs(tree, lambda _, node: share * node.mean + (1 - share) * node.prior, threshold)
