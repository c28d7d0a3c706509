"""RISE: one model learns to solve problems and, in the same update, to verify its own solutions.

Every task is solved as often as attempts are asked for. Of all these solutions some are verified,
drawn as evenly over the tasks as can be, and each of them as often again, in calls of the same
model that see the problem and the solution. A solution earns 1 when it is right, -0.5 when it is
wrong, -1 when it cannot be read; a verification earns the same by whether it names the rating that
the solution earned. Solutions of a task are compared with each other, and so are verifications of
one solution, which is a group of its own; both kinds of rows make one update.

Paper: "Trust, But Verify: A Self-Verification Approach to Reinforcement Learning with Verifiable
Rewards", arXiv 2505.13445. Its PPO has a learned value, in the place of which solutions and
verifications are compared leave-one-out here. The verifier writes a verdict in our `Critic`'s form:
`correct` stands for the rating 1, `incorrect` for -0.5; solutions that cannot be read, whose rating
is plain, are not drawn. The variant that punishes short verifications is left out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from ...agents import Actor, Critic, TeamState
from ...episodes import Episode, Turn
from ...episodes.paper import Paper
from ...graphs import answer, review
from ...graphs.team import Team
from ..advantages import rloo, within
from ..builders import critiques_of, evenly, right
from ..checks import require_share
from ..from_episodes import samples
from ..loop.recipe import Collection, Models, Recipe, Stage
from ..rewards import RISE as RATINGS
from ..rewards import untruncated, verdict_match
from ..sample import Example
from ..trainer import Objective, PolicyGradient

PAPER = Paper(
    title=(
        "Trust, But Verify: A Self-Verification Approach to Reinforcement Learning with "
        "Verifiable Rewards"
    ),
    arxiv="2505.13445",
    kind="recipe",
)
VERIFIED = 128 / (1024 * 8)
"""The share of a step's solutions that the paper verifies."""
NAMED = {"correct": RATINGS.right, "incorrect": RATINGS.wrong}
"""The rating that a verdict names."""


class RISE(Recipe):
    """Problem solving and self-verification, reinforced together.

    Args:
        verified: the share of all solutions that are verified; one at least.
        kl: coefficient of the divergence from the base.
    """

    name = "rise"
    summary = "one model solves, verifies its own solutions, and learns from both"
    paper = PAPER
    acts = False

    def __init__(self, *, verified: float = VERIFIED, kl: float = 0.01) -> None:
        require_share("verified", verified)
        if not kl >= 0:
            raise ValueError(f"kl={kl}: it must not be negative")
        self.verified, self.kl = verified, kl

    def team(self, models: Models, stage: Stage) -> Team:
        model = models["policy"]
        sizes = [stage.attempts] * len(stage.tasks)
        counts = evenly(sizes, max(1, round(self.verified * sum(sizes))))
        quota = {task.id: count for task, count in zip(stage.tasks, counts, strict=True)}

        def chosen(state: TeamState, readable: Sequence[int]) -> list[int]:
            task = state["task"].id
            rng = random.Random(f"{stage.seed}/{task}")
            return sorted(rng.sample(readable, min(quota[task], len(readable))))

        return review(
            Actor(model),
            Critic(model),
            solutions=stage.attempts,
            readings=stage.attempts,
            chosen=chosen,
        )

    def tested(self, models: Models) -> Team:
        return answer(Actor(models["policy"]))

    def collection(self, stage: Stage) -> Collection:
        stage.require_attempts("solutions of a task")
        return Collection(stage.tasks)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        made: list[Example] = []
        for episode in episodes:
            for group, earned in (await self.rewards(episode, stage)).items():
                if len(earned) < 2:
                    continue
                advantages = within([*earned.values()], [group] * len(earned), rloo)
                credit = dict(zip(earned, advantages, strict=True))
                made += samples(
                    episode,
                    untruncated(episode, credit),
                    group=group,
                    policy=lambda turn: "policy",
                )
        return made

    async def rewards(self, episode: Episode, stage: Stage) -> dict[str, dict[str, float]]:
        """What turns earn, by the group that they are compared in: the task's solutions, or the
        verifications of one of them."""
        solutions = [turn for turn in episode.turns if turn.agent == "actor" and not turn.error]
        ratings = {turn.id: await rating(episode, turn, stage) for turn in solutions}
        groups = {episode.task: ratings}
        for solution, verification, _ in critiques_of(episode):
            group = groups.setdefault(f"{episode.task}/{solution.branch}", {})
            group[verification.id] = verdict_match(
                named(verification), ratings[solution.id], RATINGS
            )
        return groups

    def objective(self, policy: str, stage: Stage) -> Objective:
        if not self.kl:
            return PolicyGradient(mean="token")
        return PolicyGradient(mean="token", kl=self.kl, kl_in="reward", estimator="k1")


async def rating(episode: Episode, solution: Turn, stage: Stage) -> float:
    """What a solution earns."""
    return RATINGS(None if solution.parsed is None else await right(episode, solution, stage))


def named(verification: Turn) -> float | None:
    """The rating that a verification names; None where it cannot be read."""
    return None if verification.parsed is None else NAMED[verification.parsed["verdict"]]
