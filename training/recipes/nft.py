"""NFT: right answers by likelihood, and wrong ones by the likelihood of what they imply.

A question is answered many times and each answer is right or wrong. Questions that are always or
never solved are left out. Every other answer is a row, with whether it is right and the share of
right answers to its question, from which the loss makes an implicit policy of wrong answers (see
`losses.nft`). There are no advantages.

Paper: "Bridging Supervised Learning and Reinforcement Learning in Math Reasoning", arXiv
2505.18116, with 16 answers a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from typing import Literal

from ...agents import Actor, ToolAgent
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import act, answer
from ...graphs.team import Team
from ..advantages import mixed, within
from ..advantages.groups import mean_of
from ..from_episodes import samples
from ..loop.recipe import Models, Recipe, Stage
from ..rewards import everywhere
from ..sample import Example
from ..trainer import Objective, objectives

PAPER = Paper(
    title="Bridging Supervised Learning and Reinforcement Learning in Math Reasoning",
    arxiv="2505.18116",
    kind="recipe",
)


class NFT(Recipe):
    """Negative-aware fine-tuning for a team of one agent.

    Args:
        acts: whether it acts in a world, or answers questions.
        negative_weight: of wrong answers; 0 is rejection fine-tuning.
        prompt_weight: of a question: `dr_grpo` is 1 - q, `grpo` sqrt((1 - q) / q), `none` 1.
    """

    name = "nft"
    summary = "likelihood of right answers, and of what wrong ones imply"
    paper = PAPER

    def __init__(
        self,
        *,
        acts: bool = False,
        negative_weight: float = 1.0,
        prompt_weight: Literal["none", "dr_grpo", "grpo"] = "dr_grpo",
    ) -> None:
        if negative_weight < 0:
            raise ValueError(f"negative_weight={negative_weight}: it must not be negative")
        if prompt_weight not in ("none", "dr_grpo", "grpo"):
            raise ValueError(f"prompt_weight={prompt_weight!r}: it is none, dr_grpo or grpo")
        self.acts = acts
        self.negative_weight, self.prompt_weight = negative_weight, prompt_weight

    def team(self, models: Models, stage: Stage) -> Team:
        model = models["policy"]
        return act(ToolAgent(model)) if self.acts else answer(Actor(model))

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        right = [float(episode.outcome.success) for episode in episodes]
        tasks = [episode.task for episode in episodes]
        shares = within(right, tasks, lambda each: [mean_of(each)] * len(each))
        return [
            replace(row, extras={"right": is_right, "share_right": share})
            for episode, is_right, share in compress(
                zip(episodes, right, shares, strict=True), mixed(right, tasks)
            )
            for row in samples(
                episode, everywhere(episode, 0.0), join=True, policy=lambda turn: "policy"
            )
        ]

    def objective(self, policy: str, stage: Stage) -> Objective:
        return objectives.NFT(
            negative_weight=self.negative_weight, prompt_weight=self.prompt_weight
        )
