"""Co-Reward: a question and its paraphrase, each labelled by what the other's answers agree on.

Once for each question a rewriter tells it in another way with the same answer. The policy answers
both several times. The majority's answer on one side is the label of the other side, so that an
answer earns by holding under another wording, not by repeating itself. Each side is a group of its
own for GRPO, and both train the policy. An answer that cannot be read does not vote and earns
nothing; a question without a readable paraphrase teaches nothing.

The paper's rewriter is a larger model (Qwen3-32B), whose paraphrases are made beforehand; here it
is any model, asked whenever a question is played, by default the policy as it was at the start.

Paper: "Co-Reward: Self-supervised Reinforcement Learning for Large Language Model Reasoning via
Contrastive Agreement", arXiv 2508.00410, with 8 answers on each side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langchain_core.language_models import BaseChatModel

from ...agents import Actor
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import answer
from ...graphs.team import Team
from ...graphs.views import ORIGINAL, REWRITTEN, Rewriter, two_views, view_of
from ...models import load_model
from ..advantages import grpo
from ..from_episodes import samples
from ..loop.recipe import Collection, Models, Recipe, Stage
from ..rewards import cross_majority, untruncated
from ..sample import Example
from ..trainer import Objective, PolicyGradient
from .answers import called, said

PAPER = Paper(
    title=(
        "Co-Reward: Self-supervised Reinforcement Learning for Large Language Model Reasoning via "
        "Contrastive Agreement"
    ),
    arxiv="2508.00410",
    kind="recipe",
)
KL = 0.005
"""The paper's, with the low-variance estimate."""


class CoReward(Recipe):
    """Labels across two wordings of a question.

    The user's attempts are the answers on each side.

    Args:
        rewriter: a model, or a spec for `load_model`; None takes the policy's start.
        kl: coefficient of the divergence from the start.
    """

    name = "co-reward"
    summary = "majority labels across two wordings of a question"
    paper = PAPER
    acts = False

    def __init__(self, *, rewriter: str | BaseChatModel | None = None, kl: float = KL) -> None:
        self._rewriter = load_model(rewriter) if isinstance(rewriter, str) else rewriter
        self.rewriter, self.kl = called(rewriter), kl

    def earlier(self, stage: Stage) -> Mapping[str, tuple[str, int]]:
        return {} if self._rewriter else {"rewriter": ("policy", 0)}

    def team(self, models: Models, stage: Stage) -> Team:
        rewriter = self._rewriter or models["rewriter"]
        return two_views(Actor(models["policy"]), Rewriter(rewriter), stage.attempts)

    def tested(self, models: Models) -> Team:
        return answer(Actor(models["policy"]))

    def collection(self, stage: Stage) -> Collection:
        if stage.attempts < 2:
            raise ValueError(f"attempts={stage.attempts}: each side needs at least 2 answers")
        return Collection(stage.tasks)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        rows: list[Example] = []
        for episode in episodes:
            sides = [
                [t for t in episode.turns if view_of(t.branch) == view and not t.error]
                for view in (ORIGINAL, REWRITTEN)
            ]
            earned = cross_majority(*([said(turn) for turn in side] for side in sides))
            for view, side, rewards in zip((ORIGINAL, REWRITTEN), sides, earned, strict=True):
                if len(set(rewards)) < 2:
                    continue
                credit = dict(zip([turn.id for turn in side], grpo(rewards), strict=True))
                rows += samples(
                    episode,
                    untruncated(episode, credit),
                    group=f"{episode.task}/{view}",
                    policy=lambda turn: "policy",
                )
        return rows

    def objective(self, policy: str, stage: Stage) -> Objective:
        return PolicyGradient(kl=self.kl)
