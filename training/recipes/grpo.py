"""GRPO from outcomes: every episode is compared with the others of its task.

One team plays each task several times. An episode's reward is its outcome's score, discounted by
the actions that it took; its advantage is the reward less the group's mean, over the group's
standard deviation, the batch's (Lite PPO) or none (Dr. GRPO); every turn that was not cut off earns
it. Groups whose rewards are all equal teach nothing and are left out.

Paper: "DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models", arXiv
2402.03300; the clip's wider upper bound and the filter are DAPO's (2503.14476). The discount is
reinforcement learning's own; GiGPO (2505.10978) has it in the returns of agents.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import compress
from typing import Literal

from ...agents import Actor, ToolAgent
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import act, answer
from ...graphs.team import Team
from ..advantages import batch_scaled, grpo, mean_only, mixed, rloo, within
from ..from_episodes import samples
from ..loop.recipe import Models, Recipe, Stage
from ..losses import Clip
from ..rewards import everywhere, untruncated
from ..sample import Example
from ..trainer import Objective, PolicyGradient

PAPER = Paper(
    title="DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models",
    arxiv="2402.03300",
    kind="recipe",
)
Advantage = Literal["grpo", "batch", "mean", "rloo"]
ESTIMATORS: dict[Advantage, Callable[[Sequence[float], Sequence[Hashable]], list[float]]] = {
    "grpo": partial(within, estimator=grpo),
    "batch": batch_scaled,
    "mean": partial(within, estimator=mean_only),
    "rloo": partial(within, estimator=rloo),
}


class GRPO(Recipe):
    """Group-relative policy gradients for a team of one agent.

    Args:
        acts: whether it acts in a world, or answers questions.
        advantage: `grpo`, `batch` (Lite PPO), `mean` (Dr. GRPO) or `rloo`.
        discount: what an action costs: the reward is the score times this to the power of the
            actions taken. 1 asks for success alone.
        kl: coefficient of the divergence from the start.
        high: how far above 1 a ratio may go.

    Raises:
        ValueError: an unknown advantage, or a discount outside (0, 1].
    """

    name = "grpo"
    summary = "outcome rewards, compared within a task"
    paper = PAPER

    def __init__(
        self,
        *,
        acts: bool = False,
        advantage: Advantage = "grpo",
        discount: float = 1.0,
        kl: float = 0.0,
        high: float = 0.28,
    ) -> None:
        if advantage not in ESTIMATORS:
            raise ValueError(f"advantage={advantage!r}: there are {', '.join(ESTIMATORS)}")
        if not 0 < discount <= 1:
            raise ValueError(f"discount={discount}: it must be above 0 and at most 1")
        self.acts, self.advantage, self.discount = acts, advantage, discount
        self.kl, self.high = kl, high

    def team(self, models: Models, stage: Stage) -> Team:
        model = models["policy"]
        return act(ToolAgent(model)) if self.acts else answer(Actor(model))

    async def rewards(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[float | None]:
        """What each episode earned; None leaves it out. Methods that differ in this alone override
        it."""
        return [each.outcome.score * self.discount ** _actions(each) for each in episodes]

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        earned = await self.rewards(episodes, stage)
        pairs = zip(episodes, earned, strict=True)
        known = [(episode, reward) for episode, reward in pairs if reward is not None]
        kept = mixed([reward for _, reward in known], [episode.task for episode, _ in known])
        compared = list(compress(known, kept))
        advantages = ESTIMATORS[self.advantage](
            [reward for _, reward in compared],
            [episode.task for episode, _ in compared],
        )
        return [
            row
            for (episode, _), advantage in zip(compared, advantages, strict=True)
            for row in samples(
                episode,
                untruncated(episode, everywhere(episode, advantage)),
                join=True,
                policy=lambda turn: "policy",
            )
        ]

    def objective(self, policy: str, stage: Stage) -> Objective:
        return PolicyGradient(clip=Clip(0.2, self.high), mean="token", kl=self.kl)


def _actions(episode: Episode) -> int:
    return sum(step.action is not None for step in episode.steps)
