"""RLCCF: the vote of several models, who weigh as far as each agrees with itself, is the label.

Every model answers a question several times. The share of its answers that are its own commonest is
its self-consistency, and so much do its answers weigh in the vote of all. The winner is the label:
each model's answers earn 1 for agreeing with it, else 0, and are compared with each other alone
(GRPO), held near the model's own start. An answer that cannot be read does not vote and earns
nothing.

The paper's models are four different ones. The loop's policies share one base, so here they differ
by what each has learnt; at the start they differ in nothing but the draw.

Paper: "Wisdom of the Crowd: Reinforcement Learning from Coevolutionary Collective Feedback", arXiv
2508.12338. Its coefficient of the divergence is not known to us.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...agents import Actor
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import sample
from ...graphs.team import Team
from ..advantages import grpo
from ..advantages.groups import members
from ..from_episodes import samples
from ..loop.recipe import Collection, Models, Recipe, Stage
from ..rewards import agreement, collective, untruncated
from ..sample import Example
from ..trainer import Objective, PolicyGradient
from .answers import said

PAPER = Paper(
    title="Wisdom of the Crowd: Reinforcement Learning from Coevolutionary Collective Feedback",
    arxiv="2508.12338",
    kind="recipe",
)
MODELS = 4
"""The paper's."""
KL = 0.001


class RLCCF(Recipe):
    """A vote of several policies, weighted by self-consistency, as the label of each.

    The user's attempts are the answers of each model.

    Args:
        models: how many policies there are.
        kl: coefficient of each policy's divergence from its start.

    Raises:
        ValueError: there are fewer than two models.
    """

    name = "rlccf"
    summary = "several policies' weighted vote as the label of each"
    paper = PAPER
    acts = False

    def __init__(self, *, models: int = MODELS, kl: float = KL) -> None:
        if models < 2:
            raise ValueError(f"models={models}: a crowd has at least 2")
        self.policies = tuple(f"model-{number}" for number in range(models))
        self.kl = kl

    def team(self, models: Models, stage: Stage) -> Team:
        return sample([Actor(models[policy], name=policy) for policy in self.policies])

    def collection(self, stage: Stage) -> Collection:
        if stage.attempts < 2:
            raise ValueError(f"attempts={stage.attempts}: each model needs at least 2 answers")
        return super().collection(stage)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        rows: list[Example] = []
        for places in members([episode.task for episode in episodes]).values():
            played = [episodes[place] for place in places]
            given = {
                policy: [
                    (episode, turn)
                    for episode in played
                    for turn in episode.turns
                    if turn.agent == policy and not turn.error
                ]
                for policy in self.policies
            }
            answers = {policy: [said(turn) for _, turn in own] for policy, own in given.items()}
            label = collective([each for each in answers.values() if each])
            for policy, own in given.items():
                earned = agreement(answers[policy], label)
                if len(set(earned)) < 2:
                    continue
                for (episode, turn), advantage in zip(own, grpo(earned), strict=True):
                    credit = untruncated(episode, {turn.id: advantage})
                    rows += samples(episode, credit, policy=lambda turn: turn.agent)
        return rows

    def objective(self, policy: str, stage: Stage) -> Objective:
        return PolicyGradient(kl=self.kl)
