"""AlphaLLM: tree search over options, chunks of reasoning, with critics in the place of a world.

Selection is UCT. How many children a node may have grows with how much their values differ: to
alpha times the largest distance from their mean, between a base (a larger one at the root) and a
cap; deep nodes have one. A new option is written again, up to five times, until it differs from its
siblings by enough edits; else the most distinct one stands. A position is worth a weighted sum of
what the value critic says and of the mean outcome of fast plays to the end, judged by the outcome
critic (of an end: what that critic says of itself). The search stops after enough rounds and enough
ends. The answer is the end of the best mean, or a vote among the ends.

Paper: "Toward Self-Improvement of LLMs via Imagination, Searching, and Criticizing", arXiv
2404.12253; constants from its repository. The value and the process critic of the paper are one
member here; its synthesis of questions is not part of the search. Departures: how many children a
node may have follows from their values at the time, so it may fall again; the first option is drawn
like the others, not greedily; what stands unfinished at the greatest depth is not finished in one
go; an end is not visited, and its reward not counted, a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Judge, Proposal, TeamState, Thought
from ...episodes.paper import Paper
from ..search import Rollout, search
from ..similar import edit_distance
from ..spaces import TextSpace
from ..team import Member, Team, seated, work
from ..tree import Node, Pick, Tree, Width, best_mean_end, descend, uct

PAPER = Paper(
    title="Toward Self-Improvement of LLMs via Imagination, Searching, and Criticizing",
    arxiv="2404.12253",
    kind="graph",
)
STEP = "Solve the problem in small chunks of reasoning. Write the next chunk only; give the answer "
STEP += "in the last."
VALUE = "Grade the solution so far: how likely, from 0 to 1, does it lead to the right answer?"
OUTCOME = "Grade the finished solution: is its answer right? Score it from 0 to 1."


def alpha_llm(
    model: BaseChatModel | Member,
    value: BaseChatModel | Member | None = None,
    outcome: BaseChatModel | Member | None = None,
    *,
    searches: int = 40,
    ends: int = 40,
    c: float = 1.0,
    width: Width | None = None,
    edits: int = 20,
    tries: int = 5,
    plays: int = 4,
    value_weight: float = 1.0,
    play_weight: float = 1.0,
    max_depth: int = 8,
    settle: Pick | Member | None = None,
) -> Team:
    """A team that searches for a solution.

    Args:
        value: grades partial solutions.
        outcome: grades finished ones, at the end of a play.
        searches: rounds after which the search may stop; ten times as many stop it.
        ends: finished solutions after which it may stop.
        width: children of a node by now; by default `adaptive()`.
        edits: the edit distance that an option keeps from its siblings; 0 for none.
        tries: how often an option is written, at most.
        settle: by default the end with the best mean.
    """
    policy = seated(Actor, model, instructions=STEP, output=Thought)
    grader = seated(Judge, model if value is None else value, instructions=VALUE)
    referee = seated(Judge, model if outcome is None else outcome, instructions=OUTCOME)

    def worth(node: Node) -> float:
        return value_weight * (node.grade or 0.0) + play_weight * (node.rollout or 0.0)

    return search(
        distinct(policy, edits, tries) if edits else policy,
        space=TextSpace(),
        proposals=1,
        select=descend(uct(c), width or adaptive()),
        value=grader,
        rollout=Rollout(policy, plays=plays, steps=max_depth, value=referee),
        worth=worth,
        settle=settle or best_mean_end,
        expansions=10 * searches,
        max_depth=max_depth,
        enough=lambda tree: tree.rounds >= searches and len(tree.ends()) >= ends,
        name="alpha-llm",
    )


def adaptive(
    alpha: float = 2.0, base: int = 3, root: int = 40, cap: int = 10, split_depth: int = 8
) -> Width:
    """Children that a node may have: more where their values differ, one below `split_depth`."""

    def width(tree: Tree, node: Node) -> int:
        if node.depth > split_depth:
            return 1
        start = root if node.parent is None else base
        means = [child.mean for child in tree.children(node.id)]
        if not means:
            return start
        mean = sum(means) / len(means)
        return max(start, min(int(alpha * max(abs(each - mean) for each in means)), cap))

    return width


def distinct(
    policy: Member, edits: int, tries: int, distance: Callable[[str, str], int] | None = None
) -> Member:
    """`policy`, asked again until its draft is `edits` away from what was tried before."""
    apart = distance or edit_distance

    async def distinct_policy(state: TeamState) -> dict[str, Any]:
        before = [_text(each.draft) for each in state.get("candidates", ()) if each.draft]
        best: dict[str, Any] = {"draft": None}
        farthest = -1
        for _ in range(tries):
            update = await work(policy, state)
            draft = update.get("draft")
            if not isinstance(draft, Proposal):
                if update.get("stop"):
                    return update if best["draft"] is None else best
                continue
            nearest = min((apart(_text(draft), other) for other in before), default=edits)
            if nearest > farthest:
                best, farthest = update, nearest
            if nearest >= edits:
                break
        return best

    return distinct_policy


def _text(draft: Proposal | None) -> str:
    return draft.step if isinstance(draft, Thought) else draft.value if draft else ""
