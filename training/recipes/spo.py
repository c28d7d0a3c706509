"""SPO: an answer earns its chance of winning against the policy's other answers.

A question is answered several times, and a rater compares every pair of answers, in both orders. An
answer's reward is the mean of its chances against the others; a rater that leans towards a place is
made even. No reward model is trained and no second policy is kept: by symmetry the policy plays the
game of being preferred against itself. Rewards feed any policy gradient, here with the mean of the
group as the baseline (Dr. GRPO), which by construction is 1/2.

Paper: "A Minimaximalist Approach to Reinforcement Learning from Human Feedback", arXiv 2401.04056.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Ranker
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import answer
from ...graphs.round_robin import ANSWER, PREFERENCES, round_robin
from ...graphs.team import Team
from ...models import load_model
from ..advantages import mean_only
from ..from_episodes import samples
from ..loop.recipe import Collection, Models, Recipe, Stage
from ..losses import Clip
from ..rewards import untruncated, win_rates
from ..sample import Example
from ..trainer import Objective, PolicyGradient
from .answers import called

PAPER = Paper(
    title="A Minimaximalist Approach to Reinforcement Learning from Human Feedback",
    arxiv="2401.04056",
    kind="recipe",
)


class SPO(Recipe):
    """Self-play preference optimisation, by win rates within a group.

    The user's attempts are the answers of a group.

    Args:
        rater: a model, or a spec for `load_model`; None takes the policy's start.
        kl: coefficient of the divergence from the start.
    """

    name = "spo"
    summary = "win rates among a policy's own answers"
    paper = PAPER

    def __init__(self, *, rater: str | BaseChatModel | None = None, kl: float = 0.0) -> None:
        self._rater = load_model(rater) if isinstance(rater, str) else rater
        self.rater, self.kl = called(rater), kl

    def earlier(self, stage: Stage) -> Mapping[str, tuple[str, int]]:
        return {} if self._rater else {"rater": ("policy", 0)}

    def team(self, models: Models, stage: Stage) -> Team:
        rater = self._rater or models["rater"]
        return round_robin(Actor(models["policy"]), Ranker(rater), stage.attempts)

    def tested(self, models: Models) -> Team:
        return answer(Actor(models["policy"]))

    def collection(self, stage: Stage) -> Collection:
        if stage.attempts < 2:
            raise ValueError(f"attempts={stage.attempts}: at least 2 answers are needed to compare")
        return Collection(stage.tasks)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        rows: list[Example] = []
        for episode in episodes:
            if PREFERENCES not in episode.findings:  # it broke off
                continue
            advantages = mean_only(win_rates(episode.findings[PREFERENCES]))
            credit = {
                turn.id: advantage
                for place, advantage in enumerate(advantages)
                for turn in episode.turns
                if turn.branch == f"{ANSWER}/{place}" and advantage and not turn.error
            }
            rows += samples(episode, untruncated(episode, credit), policy=lambda turn: "policy")
        return rows

    def objective(self, policy: str, stage: Stage) -> Objective:
        return PolicyGradient(clip=Clip(0.2, 0.2), mean="token", kl=self.kl)
