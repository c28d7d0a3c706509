"""ReST-MCTS*: policy and process judge teach each other through a search over solution steps.

Each task is searched (`graphs.searching.rest_mcts`): the policy writes steps, the process judge
grades partial solutions, and no solution ends the search early. The environment says which ends are
right. The policy learns the steps that lead to them, as they were sampled. Every partial solution
gets a value from its distance to the nearest right end (`labels`), and the judge learns to write it
down where it was asked. Trees without a right end teach nothing.

Paper: "ReST-MCTS*: LLM Self-Training via Process Reward Guided Tree Search", arXiv 2406.03816.
There the value model is a linear head that learns by squared error. Here it is a language model
that writes its grade, rounded to hundredths, and learns by cross entropy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ...agents import Thought, Verdict, output_format
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs.leave_tree import TREE, leave_tree, tree_of
from ...graphs.searching.rest_mcts import labels, rest_mcts
from ...graphs.team import Team
from ...graphs.tree import Tree
from ..builders import relabelled, tree_rows
from ..from_episodes import name
from ..loop.recipe import Models, Recipe, Stage
from ..sample import Example, Row
from ..trainer import Objective, Supervised, UpdateSettings

PAPER = Paper(
    title="ReST-MCTS*: LLM Self-Training via Process Reward Guided Tree Search",
    arxiv="2406.03816",
    kind="recipe",
)
SOLVED = 1.0
JUDGE = "judge"
NEVER = 2.0
"""A value that no solution has: searches for data go on to their end."""
HALF = 0.5
"""From here on a judge accepts."""


class ReSTMCTS(Recipe):
    """Self-training from search trees over solutions.

    Args:
        expansions: partial solutions that are gone on from, at most.
        branches: next steps written for each.
        max_depth: steps of a solution, at most.
    """

    name = "rest-mcts"
    summary = "right solutions of a search for the policy, values of partial ones for its judge"
    paper = PAPER
    policies = ("policy", "judge")

    def __init__(self, *, expansions: int = 20, branches: int = 3, max_depth: int = 8) -> None:
        self.expansions, self.branches, self.max_depth = expansions, branches, max_depth

    def team(self, models: Models, stage: Stage) -> Team:
        return leave_tree(
            rest_mcts(
                models["policy"],
                models["judge"],
                expansions=self.expansions,
                branches=self.branches,
                max_depth=self.max_depth,
                good_enough=NEVER,
            )
        )

    def tested(self, models: Models) -> Team:
        return rest_mcts(
            models["policy"],
            models["judge"],
            expansions=self.expansions,
            branches=self.branches,
            max_depth=self.max_depth,
        )

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        made: list[Example] = []
        for episode in episodes:
            if TREE not in episode.findings:  # it broke off before its search had ended
                continue
            tree = tree_of(episode)
            if right := await right_ends(episode, tree, stage):
                paths = [[node.id for node in tree.path(end)] for end in right]
                made += tree_rows(episode, tree, paths, policy=lambda turn: "policy")
                made += value_rows(episode, tree, labels(tree, right), stage)
        return made

    def objective(self, policy: str, stage: Stage) -> Objective:
        return Supervised()

    def settings(self, chosen: UpdateSettings, stage: Stage) -> UpdateSettings:
        return replace(chosen, temperature=1.0)


async def right_ends(episode: Episode, tree: Tree, stage: Stage) -> list[int]:
    """The ends whose answers the environment calls right.

    Raises:
        ValueError: the environment does not score single answers.
    """
    if stage.score is None:
        raise ValueError("rest-mcts scores single answers: this world does not take them")
    return [
        end.id
        for end in tree.ends()
        if isinstance(end.action, Thought)
        and end.action.answer
        and await stage.score(episode.task, end.action.answer) >= SOLVED
    ]


def value_rows(
    episode: Episode, tree: Tree, values: Mapping[int, float], stage: Stage
) -> list[Row]:
    """For the judge: each prompt that it read about a node, and the grade it should have written.

    Raises:
        ValueError: the stage has no tokenizer.
    """
    if stage.tokenizer is None:
        raise ValueError("the judge's grades are texts: they need the stage's tokenizer")
    asked = {turn.branch: turn for turn in episode.turns if turn.agent == JUDGE and not turn.error}
    made = []
    rounds: dict[str, int] = {}
    for node in tree:
        if node.parent is None:
            continue
        grown = node.branch.rpartition(".")[0]
        place = rounds[grown] = rounds.get(grown, -1) + 1
        if (turn := asked.get(f"{grown}.{place}")) is None:  # the budget was spent before
            continue
        value = round(values[node.id], 2)
        decision: Literal["accept", "revise"] = "accept" if value >= HALF else "revise"
        graded = output_format("tags").render(Verdict(decision=decision, scores=(value,)))
        made.append(
            relabelled(
                turn, graded, stage.tokenizer, policy=lambda turn: "judge", episode=name(episode)
            )
        )
    return made
