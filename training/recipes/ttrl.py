"""TTRL: the answer that most samples agree on is the label, so that no truth is needed.

A question is answered many times; the majority's answer is taken for right, and each answer earns 1
for agreeing with it, else 0. All vote; the first of them, as many as are wanted, are trained. The
rest is GRPO. Answers are compared as self-consistency does (numbers as numbers, words without
case); one that cannot be read does not vote and earns nothing.

Questions may be those on which the model is to do well: nothing of their truth is used.

Paper: "TTRL: Test-Time Reinforcement Learning", arXiv 2504.16084, with 64 votes of which 32 are
trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ...episodes import Episode
from ...episodes.paper import Paper
from ..advantages import within
from ..loop.recipe import Stage
from ..rewards import majority_vote
from .answers import answer_of
from .grpo import GRPO

PAPER = Paper(title="TTRL: Test-Time Reinforcement Learning", arxiv="2504.16084", kind="recipe")


class TTRL(GRPO):
    """GRPO with the majority's answer as the label.

    Args:
        trained: of a question's answers, how many are trained; None trains all that vote.
        advantage: `grpo`, `mean` (Dr. GRPO) or `rloo`.
        kl: coefficient of the divergence from the start.
        high: how far above 1 a ratio may go.

    Raises:
        ValueError: fewer than 2 answers are to be trained, or there is no such advantage.
    """

    name = "ttrl"
    summary = "the majority's answer as the label"
    paper = PAPER
    acts = False

    def __init__(
        self,
        *,
        trained: int | None = None,
        advantage: Literal["grpo", "mean", "rloo"] = "grpo",
        kl: float = 0.0,
        high: float = 0.2,
    ) -> None:
        if trained is not None and trained < 2:
            raise ValueError(f"trained={trained}: at least 2 answers are needed to compare")
        super().__init__(advantage=advantage, kl=kl, high=high)
        self.trained = trained

    async def rewards(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[float | None]:
        answers = [answer_of(episode) for episode in episodes]
        earned = within(answers, [episode.task for episode in episodes], majority_vote)
        if self.trained is None:
            return earned
        return [
            reward if episode.attempt < self.trained else None
            for episode, reward in zip(episodes, earned, strict=True)
        ]
