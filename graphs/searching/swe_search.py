"""SWE-Search: the best of all open nodes grows by one child, told how its siblings fared.

Any node that may have more children is a candidate, wherever it stands; the score adds to its own
reward a small term for exploration, a penalty for depth, and bonuses and penalties (a good leaf,
duplicate actions, a child that already does well, a subtree that has finished).
One action is tried there in the world; from the second child on, the actor is shown the siblings'
attempts and their rewards. A value agent reads the trajectory and the result and grades it from
-100 to 100; every node above gets that reward. A discriminator settles on a finished trajectory, by
default the one with the best mean reward along its path.

Paper: "SWE-Search: Enhancing Software Agents with Monte Carlo Tree Search and Iterative
Refinement", arXiv 2410.20285; constants from its repository (moatless-tree-search). Its terms for
similar patches, for corrections that are expected and for repeated types of action are left out:
they need a file world's diffs and actions. The root starts with a reward of 100.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import Field

from ...agents import Agent, Proposal, TeamState, ToolAgent
from ...episodes.paper import Paper
from ...models.formats import Output
from ..search import search
from ..selectors import plain
from ..team import Member, Team, seated, stopped
from ..tree import Node, Tree, anywhere, best_trajectory

PAPER = Paper(
    title=(
        "SWE-Search: Enhancing Software Agents with Monte Carlo Tree Search and Iterative "
        "Refinement"
    ),
    arxiv="2410.20285",
    kind="graph",
)
ROOT_REWARD = 100.0
DEPTH_PENALTY = 0.8
GOOD_LEAF, GOOD_LEAF_BONUS = 50.0, 50.0
"""A leaf with at least this reward gets this bonus."""
GOOD_CHILD, GOOD_CHILD_PENALTY = 75.0, 5.0
DUPLICATES = 25.0
"""Penalty for d duplicate children: this times d squared."""
FINISHED, FINISHED_PENALTY = 100.0, 50.0
"""A position above a finish of this reward gets this penalty."""
VALUE = (
    "Read what the agent has done and judge its last action and the result: how far does it lead "
    "to solving the task? Give a reward from -100 (harmful) to 100 (solved)."
)


class Valuation(Output):
    """What the value agent says."""

    explanation: str = ""
    reward: int = Field(ge=-100, le=100)


class Valuer(Agent):
    """Grades the last action and what came of it."""

    role = "valuer"
    prompt = VALUE
    output = Valuation
    writes = "score"

    async def speak(self, state: TeamState) -> tuple[dict[str, Any], AIMessage | None]:
        update, reply = await super().speak(state)
        said = update.get("score")
        score = said.reward if isinstance(said, Valuation) else None
        return {"score": score, **stopped(update)}, reply


def swe_search(
    model: BaseChatModel | Member,
    value: BaseChatModel | Member | None = None,
    *,
    width: int = 3,
    expansions: int = 100,
    max_depth: int = 25,
    enough: float = 100.0,
    settle: Member | None = None,
) -> Team:
    """A team that searches in its world.

    Args:
        value: writes a `score` from -100 to 100.
        width: children of a node, at most.
        enough: a finished trajectory of this reward ends the search.
        settle: a discriminator that sees the finished trajectories as `state["candidates"]`;
            by default the best mean decides.
    """
    return search(
        seated(ToolAgent, model),
        proposals=1,
        select=anywhere(score, width),
        value=seated(Valuer, model if value is None else value),
        worth=lambda node: node.grade or 0.0,
        hints=siblings,
        key=_always_new,
        settle=settle or best_trajectory,
        expansions=expansions,
        max_depth=max_depth,
        enough=lambda tree: any(end.value >= enough for end in tree.ends()),
        name="swe-search",
    )


def score(tree: Tree, node: Node) -> float:
    """What makes an open node worth growing; unvisited nodes first."""
    if node.parent is None:
        reward, above = ROOT_REWARD, node.visits
    else:
        reward, above = node.value, tree[node.parent].visits
    if not node.visits:
        return math.inf if node.parent is not None else reward
    total = reward + math.sqrt(math.log(max(above, 1)) / node.visits)
    total -= DEPTH_PENALTY * math.sqrt(node.depth)
    below = tree.children(node.id)
    if not below and reward >= GOOD_LEAF:
        total += GOOD_LEAF_BONUS
    tried = Counter(plain(child.action.value) for child in below if child.action)
    total -= DUPLICATES * sum(count - 1 for count in tried.values()) ** 2
    if any(child.value >= GOOD_CHILD for child in below):
        total -= GOOD_CHILD_PENALTY
    if any(child.terminal and child.value >= FINISHED for child in below):
        total -= FINISHED_PENALTY
    return total


def siblings(tree: Tree, node: Node, number: int) -> Sequence[BaseMessage]:
    """What the proposer hears of the attempts before its own; nothing for the first child."""
    attempts = [
        f"- {child.action.value}\n  Result: {child.text}\n  Reward: {child.value:g}"
        for child in tree.children(node.id)
        if child.action
    ]
    if not attempts:
        return ()
    told = "\n".join(attempts)
    return (
        HumanMessage(f"Other attempts at this point:\n{told}\nTry something that does better."),
    )


def _always_new(action: Proposal) -> object:
    """Duplicates are tried again and penalised, not dropped."""
    return object()
