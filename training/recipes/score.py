"""SCoRe: a model learns to correct itself without being told what is wrong.

Each episode has two attempts: an answer, a fixed line that there might be an error, and another
answer. In the first stage only the second attempt earns, by being right, while the first is held
near the model that training began with; so the two come apart instead of becoming the same. In the
second stage both earn by being right, and the second earns besides `alpha` times what it gained
over the first, so that to keep what was right pays, and to spoil it costs most. Each attempt
answers for itself alone, compared with the same attempt of the task's other episodes.

Paper: "Training Language Models to Self-Correct via Reinforcement Learning", arXiv 2409.12917. No
official code was available; 10, 0.01 and 0.1 are the paper's for mathematics. The divergence is a
loss here (k2, whose gradient on own samples is that of KL to the base).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from ...agents import Actor
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import again
from ...graphs.team import Team
from ..advantages import rloo, stepwise
from ..builders import right
from ..curricula import StageSwitch
from ..from_episodes import samples
from ..loop.recipe import Collection, Models, Recipe, Stage
from ..losses import Clip, Loss, kl_loss, policy_loss, sequence_mean
from ..rewards import improvement, untruncated
from ..sample import Example
from ..trainer import Batch, Objective
from ..trainer.objectives import Per

PAPER = Paper(
    title="Training Language Models to Self-Correct via Reinforcement Learning",
    arxiv="2409.12917",
    kind="recipe",
)
ALPHA = 10.0
ANCHOR = 0.1
"""Of the first attempt in the first stage."""
KL = 0.01
"""Of both attempts in the second stage."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """The clipped policy gradient, and a divergence from the reference that each row weighs by its
    extra `anchor`."""

    clip: Clip = field(default_factory=Clip)
    per: Per = "row"
    reference: bool = True

    def __call__(self, logprobs: torch.Tensor, batch: Batch) -> Loss:
        if batch.reference_logprobs is None:
            raise ValueError("anchored rows need reference log-probabilities, and have none")
        mask = batch.loss_mask
        loss, measures = policy_loss(
            logprobs,
            batch.old_logprobs,
            batch.advantages,
            mask,
            clip=self.clip,
            reduce=sequence_mean,
        )
        held, kl = kl_loss(
            logprobs,
            batch.reference_logprobs,
            mask,
            estimator="k2",
            weights=batch.extra("anchor")[:, None].expand(mask.shape),
            reduce=sequence_mean,
        )
        return loss + held, measures | {"anchor": kl["kl"]}


class SCoRe(Recipe):
    """Self-correction by two-stage reinforcement.

    Args:
        shape_from: the iteration at which the second stage begins.
        alpha: what the second attempt earns for its gain over the first.
        anchor: coefficient of the first attempt's divergence from the base in the first stage.
        kl: that of both attempts in the second stage.
    """

    name = "score"
    summary = "two attempts: the second learns first, then both, by how much it improves"
    paper = PAPER
    acts = False

    def __init__(
        self, *, shape_from: int = 5, alpha: float = ALPHA, anchor: float = ANCHOR, kl: float = KL
    ) -> None:
        if shape_from < 1:
            raise ValueError(f"shape_from={shape_from}: the first stage needs an iteration")
        for setting, value in {"alpha": alpha, "anchor": anchor, "kl": kl}.items():
            if not value >= 0:
                raise ValueError(f"{setting}={value}: it must not be negative")
        self.shape_from, self.alpha, self.anchor, self.kl = shape_from, alpha, anchor, kl
        self._shaped = StageSwitch({0: False, shape_from: True})

    def team(self, models: Models, stage: Stage) -> Team:
        return again(Actor(models["policy"]))

    def collection(self, stage: Stage) -> Collection:
        stage.require_attempts("episodes of a task")
        return super().collection(stage)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        whole = [each for each in episodes if len(each.turns) == 2 and not each.outcome.error]
        truth = [[float(await right(each, t, stage)) for t in each.turns] for each in whole]
        rewards = [self.rewards(*pair, stage=stage) for pair in truth]
        advantages = stepwise(rewards, [each.task for each in whole], rloo, gamma=0.0)
        made: list[Example] = []
        for episode, earned in zip(whole, advantages, strict=True):
            for turn, advantage, anchor in zip(
                episode.turns, earned, self.anchors(stage), strict=True
            ):
                credit = untruncated(episode, {turn.id: advantage})
                made += [
                    replace(row, extras={"anchor": anchor})
                    for row in samples(episode, credit, policy=lambda turn: "policy")
                ]
        return made

    def rewards(self, first: float, second: float, *, stage: Stage) -> tuple[float, float]:
        """What the attempts earn in a stage."""
        return improvement(first, second, self.alpha) if self._shaped(stage) else (0.0, second)

    def anchors(self, stage: Stage) -> tuple[float, float]:
        """How much each attempt is held near the base."""
        return (self.kl, self.kl) if self._shaped(stage) else (self.anchor, 0.0)

    def objective(self, policy: str, stage: Stage) -> Objective:
        return Anchored()
