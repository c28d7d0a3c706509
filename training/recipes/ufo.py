"""UFO: "try again" is feedback enough to teach a model to think in several turns.

A question is asked until it is answered rightly, at most so many times; after a wrong answer the
model hears one fixed line that it was wrong, and never a word of praise (`try-again` makes such a
world of any questions). An episode earns 0.5 ** t for a right answer at attempt t, less half the
share of attempts that repeated an answer, and 0.1 less for each reply that cannot be read. Episodes
of a question are compared with each other; only the quarter of the questions whose episodes differ
most is learnt from.

Paper: "A Simple 'Try Again' Can Elicit Multi-Turn LLM Reasoning", arXiv 2507.14295. Its PPO has a
learned value, in the place of which episodes are compared leave-one-out here; its small bonus for
entropy and the reward that its code shows the model after each turn are left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import compress

from ...agents import Actor
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import act
from ...graphs.selectors import plain
from ...graphs.team import Team
from ..advantages import rloo, widest, within
from ..checks import require_share
from ..from_episodes import samples
from ..loop.recipe import Collection, Models, Recipe, Stage
from ..losses import Clip
from ..rewards import everywhere, ufo, untruncated
from ..rewards.attempts import UFO_DECAY, UFO_REPETITION
from ..sample import Example
from ..trainer import Objective, PolicyGradient

PAPER = Paper(
    title='A Simple "Try Again" Can Elicit Multi-Turn LLM Reasoning',
    arxiv="2507.14295",
    kind="recipe",
)
RIGHT = object()
"""Stands for every right answer, however it was written."""


class UFO(Recipe):
    """Unary feedback as observation.

    Args:
        decay: what a right answer is worth an attempt later.
        repetition: what it costs when all attempts repeat an answer.
        widest: the share of the questions that is learnt from.
        kl: coefficient of the divergence from the base.
    """

    name = "ufo"
    summary = "tries again after a fixed word that it was wrong; early and varied answers earn"
    paper = PAPER

    def __init__(
        self,
        *,
        decay: float = UFO_DECAY,
        repetition: float = UFO_REPETITION,
        widest: float = 0.25,
        kl: float = 0.001,
    ) -> None:
        require_share("decay", decay)
        require_share("widest", widest)
        if not kl >= 0:
            raise ValueError(f"kl={kl}: it must not be negative")
        self.decay, self.repetition, self.widest, self.kl = decay, repetition, widest, kl

    def team(self, models: Models, stage: Stage) -> Team:
        return act(Actor(models["policy"]))

    def collection(self, stage: Stage) -> Collection:
        stage.require_attempts("episodes of a question")
        return super().collection(stage)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        rewards = [self.reward(each) for each in episodes]
        tasks = [each.task for each in episodes]
        kept = widest(rewards, tasks, self.widest)
        advantages = within([*compress(rewards, kept)], [*compress(tasks, kept)], rloo)
        return [
            row
            for episode, advantage in zip(compress(episodes, kept), advantages, strict=True)
            for row in samples(
                episode,
                untruncated(episode, everywhere(episode, advantage)),
                join=True,
                policy=lambda turn: "policy",
            )
        ]

    def reward(self, episode: Episode) -> float:
        """What an episode earns."""
        return ufo(attempts(episode), RIGHT, decay=self.decay, repetition=self.repetition)

    def objective(self, policy: str, stage: Stage) -> Objective:
        clip = Clip(0.2, 0.28)
        if not self.kl:
            return PolicyGradient(clip=clip, mean="token")
        return PolicyGradient(clip=clip, mean="token", kl=self.kl, kl_in="reward", estimator="k1")


def attempts(episode: Episode) -> list[Hashable | None]:
    """The answers of an episode in their order: `RIGHT`, another one as plain words or a number, or
    None where a reply could not be read."""
    taken = {step.after: step for step in episode.steps if step.action is not None}
    found: list[Hashable | None] = []
    for turn in episode.turns:
        if turn.unreadable:
            found.append(None)
        elif step := taken.get(turn.id):
            found.append(RIGHT if step.reward == 1 else plain(step.action or ""))
    return found
