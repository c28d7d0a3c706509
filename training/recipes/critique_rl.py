"""Critique-RL: a critic learns to tell right from wrong, and then to help as well.

A frozen actor solves each problem once; the critic, which alone is trained, reads that solution as
often as attempts are asked for. In the first stage a critique earns 1 where its verdict is true and
-1 where it is false or missing. In the second the actor, decoding greedily, solves again by each
critique: one with a true verdict earns what the new solution is worth and 0.2, any other -1,
however helpful. So it cannot learn to help at the price of its judgement. Critiques of one solution
are compared with each other, leave-one-out, and the divergence from the critic that began the stage
is taken off what tokens earn.

Paper: "Critique-RL: Training Language Models for Critiquing through Two-Stage Reinforcement
Learning", arXiv 2510.24320. There the solutions are stored beforehand, here the frozen actor writes
new ones in each iteration; a missing verdict has no new solution, since it earns -1 with any. The
critic's form is our `Critic`'s. 500 steps of the first stage, learning rate 5e-7, two epochs an
update, batches of 64 and temperature 0.7 are the paper's; they are the plan's to choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, cast

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Critic
from ...episodes import Episode, Turn
from ...episodes.paper import Paper
from ...graphs import refine, review
from ...graphs.team import Team
from ..advantages import rloo, within
from ..builders import critiques_of, found_right, right
from ..curricula import StageSwitch
from ..from_episodes import samples
from ..loop.recipe import Collection, Models, Recipe, Stage
from ..rewards import (
    CRITIQUE_RL,
    CRITIQUE_RL_CORRECT,
    CRITIQUE_RL_DELTA,
    critique_rl,
    untruncated,
    verdict_match,
)
from ..sample import Example
from ..trainer import Objective, PolicyGradient

PAPER = Paper(
    title=(
        "Critique-RL: Training Language Models for Critiquing through Two-Stage Reinforcement "
        "Learning"
    ),
    arxiv="2510.24320",
    kind="recipe",
)
Helpfulness = Literal["refined", "delta", "correct"]
HELPFULNESS: Mapping[str, Callable[[bool, bool], float]] = {
    "refined": lambda first, second: float(second),
    "delta": CRITIQUE_RL_DELTA,
    "correct": CRITIQUE_RL_CORRECT,
}
"""What a solution that was made from a critique is worth, by whether the first was right and
whether it is."""


class CritiqueRL(Recipe):
    """Two-stage reinforcement of a critic.

    Args:
        help_from: the iteration at which the second stage begins.
        helpfulness: `refined`, whether the new solution is right; `delta`, what it changed; or
            `correct`, which pays little for what was right before.
        kl: coefficient of the divergence from the critic that began the stage.
    """

    name = "critique-rl"
    summary = "a critic earns by true verdicts, then by what its critiques mend as well"
    paper = PAPER
    acts = False
    policies = ("critic", "actor")
    frozen = ("actor",)

    def __init__(
        self, *, help_from: int = 5, helpfulness: Helpfulness = "refined", kl: float = 0.01
    ) -> None:
        if helpfulness not in HELPFULNESS:
            raise ValueError(f"helpfulness={helpfulness!r}: there are {', '.join(HELPFULNESS)}")
        if help_from < 1:
            raise ValueError(f"help_from={help_from}: the first stage needs an iteration")
        if kl < 0:
            raise ValueError(f"kl={kl}: it must not be negative")
        self.help_from, self.helpfulness, self.kl = help_from, helpfulness, kl
        self._helps = StageSwitch({0: False, help_from: True})

    def team(self, models: Models, stage: Stage) -> Team:
        return review(
            Actor(models["actor"]),
            Critic(models["critic"]),
            Actor(greedy(models["actor"]), name="reviser") if self._helps(stage) else None,
            readings=stage.attempts,
        )

    def tested(self, models: Models) -> Team:
        return refine(
            Actor(models["actor"]), Critic(models["critic"]), rounds=1, stop=lambda state: False
        )

    def collection(self, stage: Stage) -> Collection:
        stage.require_attempts("critiques of a solution")
        return Collection(stage.tasks)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        made: list[Example] = []
        for episode in episodes:
            found = critiques_of(episode)
            if len(found) < 2:
                continue
            rewards = [
                await self.reward(episode, solution, critique, revisions, stage)
                for solution, critique, revisions in found
            ]
            advantages = within(rewards, [solution.id for solution, *_ in found], rloo)
            credit = {
                critique.id: advantage
                for (_, critique, _), advantage in zip(found, advantages, strict=True)
            }
            made += samples(episode, untruncated(episode, credit), policy=lambda turn: "critic")
        return made

    async def reward(
        self,
        episode: Episode,
        solution: Turn,
        critique: Turn,
        revisions: Sequence[Turn],
        stage: Stage,
    ) -> float:
        """What a critique of a solution earns in a stage."""
        first = await right(episode, solution, stage)
        said = found_right(critique)
        if not self._helps(stage):
            return verdict_match(said, first, CRITIQUE_RL)
        second = [await right(episode, turn, stage) for turn in revisions]
        helpful = HELPFULNESS[self.helpfulness](first, any(second))
        return critique_rl(helpful, said == first)

    def objective(self, policy: str, stage: Stage) -> Objective:
        if not self.kl:
            return PolicyGradient()
        return PolicyGradient(kl=self.kl, kl_in="reward", estimator="k1")

    def reference(self, policy: str, stage: Stage) -> int | None:
        return self._helps.began(stage)


def greedy(model: BaseChatModel) -> BaseChatModel:
    """A model that always says what is likeliest."""
    return cast(BaseChatModel, model.bind(temperature=0.0))
