"""ReST-MCTS*: a process value guides a tree search over solution steps.

The policy writes the next step of a partial solution; the value model says how promising a partial
solution is, in [0, 1]. Selection walks down fully grown nodes by V + 0.7 sqrt(2 ln N_parent / N),
an unvisited child counting V + 1. Three distinct next steps are written and valued; from the best
of them the policy goes on greedily for at most three steps, and its value becomes half its own and
half the highest value seen on the way; that step alone is visited, the others wait with V + 1. A
parent's value is the mean of its children's by visits.
The search ends early on a solution worth 0.9. The answer is the solution of the highest value.

`labels` turns a finished tree into targets for the value model: with m the steps to the nearest
right answer below, v = max(0, v_before + (1 - v_before) s / m), where s is 1 on the way to a right
answer and -1 off it.

Paper: "ReST-MCTS*: LLM Self-Training via Process Reward Guided Tree Search", arXiv 2406.03816;
the constants are those of its repository.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Judge, Thought
from ...episodes.paper import Paper
from ..search import Rollout, search
from ..spaces import TextSpace
from ..team import Member, Team, seated
from ..tree import Node, Score, Tree, descend, mean_of_children

PAPER = Paper(
    title="ReST-MCTS*: LLM Self-Training via Process Reward Guided Tree Search",
    arxiv="2406.03816",
    kind="graph",
)
STEP = "Solve the problem step by step. Write the next step only; give the answer in the last step."
VALUE = (
    "Grade the solution so far: its score is the chance, from 0 to 1, that it leads to the right "
    "answer."
)


def rest_mcts(
    model: BaseChatModel | Member,
    value: BaseChatModel | Member | None = None,
    *,
    expansions: int = 50,
    branches: int = 3,
    c: float = 0.7,
    max_depth: int = 8,
    rollout_steps: int = 3,
    good_enough: float = 0.9,
) -> Team:
    """A team that searches for a solution.

    Args:
        model: writes steps; a chat model, or a member that writes a `Thought`.
        value: grades partial solutions; by default the same model, asked as a judge.
        good_enough: the value of a finished solution that ends the search; above 1 to go on, as
            for collecting data.
    """
    policy = seated(Actor, model, instructions=STEP, output=Thought)
    grader = seated(Judge, model if value is None else value, instructions=VALUE)
    return search(
        policy,
        space=TextSpace(),
        proposals=branches,
        select=descend(guided(c), branches),
        value=grader,
        rollout=Rollout(policy, steps=rollout_steps, value=grader, best=True, among=best_of),
        worth=half_each,
        backup=played_only,
        expansions=expansions,
        max_depth=max_depth,
        enough=lambda tree: any(end.value >= good_enough for end in tree.ends()),
        name="rest-mcts",
    )


def guided(c: float = 0.7) -> Score:
    """V + c sqrt(2 ln N_parent / N); V + 1 for an unvisited node."""

    def score(tree: Tree, node: Node) -> float:
        if not node.visits or node.parent is None:
            return node.value + 1.0
        return node.value + c * math.sqrt(2 * math.log(tree[node.parent].visits) / node.visits)

    return score


def half_each(node: Node) -> float:
    """Half the value of the position and half the best seen on from there."""
    grade = node.grade or 0.0
    return grade if node.rollout is None else 0.5 * grade + 0.5 * node.rollout


def best_of(fresh: Sequence[Node]) -> Sequence[Node]:
    """The best of the new positions. Of an end nothing is written: it is worth its own value."""
    return [max(fresh, key=lambda node: node.grade or 0.0)] if fresh else []


def played_only(tree: Tree, node: Node) -> None:
    """A visit to the new position that was played from; the others were not visited yet."""
    if node.rollout is not None:
        mean_of_children(tree, node)


def labels(tree: Tree, right: Collection[int]) -> dict[int, float]:
    """Targets of the value model, by node.

    Args:
        right: the ends whose answers were verified.
    """
    steps: dict[int, int] = {}
    for end in right:
        for distance, node in enumerate(reversed(tree.path(end)), 1):
            steps[node.id] = min(distance, steps.get(node.id, distance))
    on_path = set(steps)
    values = {0: 0.0}
    for node in tree:
        if node.parent is None:
            continue
        m = steps.setdefault(node.id, steps.get(node.parent, 0))
        before = values[node.parent]
        sign = 1 if node.id in on_path else -1
        values[node.id] = max(0.0, before + (1 - before) * sign / m) if m else 0.0
    return values
