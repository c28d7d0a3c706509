"""RefCritic: a critic earns by its verdict, and by how often others mend a solution with its help.

A frozen actor solves each problem once; the critic, which alone is trained, reads the solution as
often as attempts are asked for. It begins by imitation: critiques of its own whose verdict is true
are learnt as they are. Then a critique earns 1 where its verdict is true, else nothing. In the last
stage the actor solves again, several times, by each critique that finds a wrong solution wrong, and
the share of right ones is mixed into the reward: (1 + weight * share) / (1 + weight). In use the
actor solves several times, and solutions that the critic finds wrong have no vote.

Paper: "RefCritic: Training Long Chain-of-Thought Critic Models with Refinement Feedback", arXiv
2507.15024. No code was available: the reward's form is from public reviews; that the verdict gates
the refinements, four of them, a weight of 1 and when stages begin are assumptions. A right solution
has nothing to mend, so its critiques earn by the verdict alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ...agents import Actor, Critic, TeamState
from ...episodes import Episode, Turn
from ...episodes.paper import Paper
from ...graphs import review, sample
from ...graphs.selectors import filtered, passed
from ...graphs.team import Team, work
from ..advantages import grpo, within
from ..builders import critiques_of, found_right, right
from ..curricula import StageSwitch
from ..from_episodes import rows, samples
from ..loop.recipe import Collection, Models, Recipe, Stage
from ..rewards import refcritic, refinement_success, untruncated
from ..sample import Example
from ..trainer import Objective, PolicyGradient, Supervised

PAPER = Paper(
    title=("RefCritic: Training Long Chain-of-Thought Critic Models with Refinement Feedback"),
    arxiv="2507.15024",
    kind="recipe",
)
Phase = Literal["imitate", "judge", "help"]


class RefCritic(Recipe):
    """Reinforcement of a critic by refinements.

    Args:
        judge_from: the iteration from which verdicts are rewarded.
        help_from: the iteration from which refinements are as well.
        refinements: by each critique.
        weight: of their success, to 1 of the verdict.
        votes: solutions that vote in use.
    """

    name = "refcritic"
    summary = "a critic imitates its true verdicts, then earns by them, then by what they mend"
    paper = PAPER
    policies = ("critic", "actor")
    frozen = ("actor",)
    acts = False

    def __init__(
        self,
        *,
        judge_from: int = 1,
        help_from: int = 5,
        refinements: int = 4,
        weight: float = 1.0,
        votes: int = 8,
    ) -> None:
        if not 1 <= judge_from < help_from:
            raise ValueError(
                f"judge_from={judge_from}, help_from={help_from}: every stage needs an iteration"
            )
        if min(refinements, votes) < 1 or not weight >= 0:
            raise ValueError(
                f"refinements={refinements}, votes={votes}, weight={weight}: the first two are at "
                "least 1, and the weight is not negative"
            )
        self.judge_from, self.help_from = judge_from, help_from
        self.refinements, self.weight, self.votes = refinements, weight, votes
        self._phase = StageSwitch[Phase]({0: "imitate", judge_from: "judge", help_from: "help"})

    def team(self, models: Models, stage: Stage) -> Team:
        reviser = Actor(models["actor"], name="reviser")

        async def mend(state: TeamState) -> Mapping[str, Any]:
            critique = state["critique"]
            wrong = critique is not None and critique.verdict == "incorrect"
            return await work(reviser, state) if wrong else {}

        return review(
            Actor(models["actor"]),
            Critic(models["critic"]),
            mend if self._phase(stage) == "help" else None,
            readings=stage.attempts,
            revisions=self.refinements,
        )

    def tested(self, models: Models) -> Team:
        return sample(
            Actor(models["actor"]),
            self.votes,
            review=Critic(models["critic"]),
            select=filtered(passed),
        )

    def collection(self, stage: Stage) -> Collection:
        stage.require_attempts("critiques of a solution")
        return Collection(stage.tasks)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        made: list[Example] = []
        for episode in episodes:
            rewards = {
                critique.id: await self.reward(episode, solution, critique, revisions, stage)
                for solution, critique, revisions in critiques_of(episode)
            }
            if self._phase(stage) == "imitate":
                true = untruncated(episode, {id: 1.0 for id, earned in rewards.items() if earned})
                made += rows(episode, true, policy=lambda turn: "critic")
            elif len(rewards) > 1:
                advantages = within([*rewards.values()], [episode.task] * len(rewards), grpo)
                credit = dict(zip(rewards, advantages, strict=True))
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
        if first or not revisions or self._phase(stage) != "help":
            return refcritic(said == first, 0.0, 0.0)
        mended = [float(await right(episode, turn, stage)) for turn in revisions]
        return refcritic(said == first, refinement_success(mended), self.weight)

    def objective(self, policy: str, stage: Stage) -> Objective:
        return Supervised() if self._phase(stage) == "imitate" else PolicyGradient()
