"""CoMAS: agents improve through what they say of each other's solutions, without any label.

Each agent has weights of its own and plays all three roles of `graphs.debating.comas`. A scorer's
mark is shared out between the solver and the evaluator whom it is about, so that each earns what
the other loses; the scorer itself earns nothing, and is only ever punished for a mark that cannot
be read. Every reply is trained by its own reward alone, in the agent that wrote it, by REINFORCE++:
the reward at each token, less the mean over all tokens that the agent wrote in the iteration, over
their standard deviation. Nobody reads a reference: what is true never enters a reward.

With all roles normalised together, as in the paper, a scorer who marks readably earns 0 where
solvers and evaluators earn a half on average, so it is trained away from whatever it says.
`normalise_by="role"` compares it with scorers alone.

Paper: "CoMAS: Co-Evolving Multi-Agent Systems via Interaction Rewards", arXiv 2510.08529: four
agents, four copies of each problem (`Plan.attempts`), clip 0.2, temperature 1, no KL. The controls
are a scorer that stays as it is at the start (`scorer="frozen"`), one model for all agents
(`shared`), and marks drawn by chance in place of those given (`reward="random"`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ...agents import Actor
from ...episodes import Episode, Turn
from ...graphs import sample
from ...graphs.debating.comas import AGENTS, PAPER, REFERENCES, ROUNDS, STEPS, comas, require_team
from ...graphs.team import Team
from ..advantages import reinforce_pp, token_rewards, within
from ..from_episodes import samples
from ..loop.recipe import Models, Recipe, Stage
from ..losses import Clip
from ..rewards import comas as interaction
from ..rewards import untruncated
from ..rewards.contests import COMAS_SCORES
from ..sample import Example
from ..trainer import Objective, PolicyGradient

FROZEN = "scorer"
"""The weights of a frozen scorer, which no row trains."""
CHOICES = {
    "normalise_by": ("batch", "role"),
    "scorer": ("trained", "frozen"),
    "reward": ("scores", "random"),
}


@dataclass(frozen=True, slots=True)
class Discussion:
    """A solution, its evaluation and its mark, as the record has them."""

    turns: tuple[Turn, ...]
    """The solver's, the evaluator's and the scorer's."""
    score: int | None
    """None where it could not be read."""


def discussions(episode: Episode) -> Iterator[Discussion]:
    """The discussions of an episode, round by round, but those that a failed call ended."""
    turns = {(turn.branch, turn.agent): turn for turn in episode.turns if not turn.error}
    for round, drawn in enumerate(episode.findings.get("rounds", ()), 1):
        for solver, agents in enumerate(zip(drawn["evaluators"], drawn["scorers"], strict=True)):
            held = [
                turns.get((f"{round}/{number}", f"{step}-{number}"))
                for step, number in zip(STEPS, (solver, *agents), strict=True)
            ]
            if None not in held:
                yield Discussion(tuple(t for t in held if t), drawn["scores"][solver])


@dataclass(frozen=True, slots=True)
class Earned:
    """A reply, and what it earned."""

    episode: int
    """Its place among the episodes."""
    turn: Turn
    reward: float

    @property
    def length(self) -> int:
        return len(self.turn.tokens.completion_ids) if self.turn.tokens else 1


class CoMAS(Recipe):
    """Interaction rewards for a team of agents with weights of their own.

    Args:
        agents, rounds, references, words: of the team, see `graphs.debating.comas.comas`.
        normalise_by: what a token's return is compared with: all that the agent wrote (`batch`),
            or what it wrote in the same role (`role`).
        kl: coefficient of the divergence from the start, as a loss.
        shared: one policy for all agents.
        scorer: `trained` as the other roles are, or `frozen`: the start scores for all agents.
        reward: `scores`, or `random`: each readable mark replaced by one drawn by chance.

    Raises:
        ValueError: there is no such team or choice, or one that could not take effect.
    """

    name = "comas"
    summary = "solvers, evaluators and scorers learn from each other, without labels"
    paper = PAPER

    def __init__(
        self,
        *,
        agents: int = AGENTS,
        rounds: int = ROUNDS,
        references: int = REFERENCES,
        words: Literal["paper", "roles"] = "paper",
        normalise_by: Literal["batch", "role"] = "batch",
        kl: float = 0.0,
        shared: bool = False,
        scorer: Literal["trained", "frozen"] = "trained",
        reward: Literal["scores", "random"] = "scores",
    ) -> None:
        require_team(agents, rounds, references, words)
        if kl < 0:
            raise ValueError(f"kl={kl}: it must not be negative")
        for name, value in (
            ("normalise_by", normalise_by),
            ("scorer", scorer),
            ("reward", reward),
        ):
            if value not in CHOICES[name]:
                raise ValueError(f"{name}={value!r}: choose {' or '.join(CHOICES[name])}")
        if reward == "random" and scorer == "frozen":
            raise ValueError(
                "reward='random' does not read what scorers say, so that scorer='frozen' would "
                "change no reward: choose one of the two controls"
            )
        self.agents, self.rounds, self.references, self.words = agents, rounds, references, words
        self.normalise_by, self.kl = normalise_by, kl
        self.shared, self.scorer, self.reward = shared, scorer, reward
        own = ["agents"] if shared else [f"agent-{number}" for number in range(agents)]
        self.policies = (*own, *([FROZEN] if scorer == "frozen" else []))

    def team(self, models: Models, stage: Stage) -> Team:
        return comas(
            [models[self._policy(number)] for number in range(self.agents)],
            agents=self.agents,
            rounds=self.rounds,
            references=self.references,
            words=self.words,
            scorer=models[FROZEN] if self.scorer == "frozen" else None,
        )

    def tested(self, models: Models) -> Team:
        """Every agent answers alone, once, and the majority counts."""
        return sample(
            [
                Actor(models[self._policy(number)], name=f"solver-{number}")
                for number in range(self.agents)
            ]
        )

    async def marks(self, episode: Episode, stage: Stage) -> Sequence[int | None]:
        """The mark that counts for each discussion of an episode. Controls override it."""
        given = [each.score for each in discussions(episode)]
        if self.reward == "scores":
            return given
        rng = random.Random(f"{episode.seed}/{episode.task}")
        drawn = [rng.choice(COMAS_SCORES) for _ in given]
        return [None if mark is None else by for mark, by in zip(given, drawn, strict=True)]

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        earned = [
            each
            for place, episode in enumerate(episodes)
            for each in self._earned(place, episode, await self.marks(episode, stage))
        ]
        advantages = within(
            [token_rewards(each.reward, [0.0] * each.length) for each in earned],
            [self._compared_with(each.turn) for each in earned],
            reinforce_pp,
        )
        credit: list[dict[str, list[float]]] = [{} for _ in episodes]
        for each, found in zip(earned, advantages, strict=True):
            if self.kl or any(found):  # what nothing pulls on would only cost time
                credit[each.episode][each.turn.id] = found
        return [
            row
            for episode, found in zip(episodes, credit, strict=True)
            for row in samples(episode, found, policy=self._trains)
        ]

    def objective(self, policy: str, stage: Stage) -> Objective:
        # k2's gradient on the policy's own samples is that of the divergence from the reference.
        return PolicyGradient(clip=Clip(), mean="sequence", kl=self.kl, estimator="k2")

    def _earned(
        self, place: int, episode: Episode, marks: Sequence[int | None]
    ) -> Iterator[Earned]:
        """What each reply earned that is trained."""
        for each, mark in zip(discussions(episode), marks, strict=True):
            earned = {turn.id: r for turn, r in zip(each.turns, interaction(mark), strict=True)}
            trained = untruncated(episode, earned)
            for turn in each.turns:
                if turn.id in trained and self._trains(turn) != FROZEN:
                    yield Earned(place, turn, trained[turn.id])

    def _policy(self, number: int) -> str:
        return "agents" if self.shared else f"agent-{number}"

    def _trains(self, turn: Turn) -> str:
        """The weights that wrote a turn."""
        role, _, number = turn.agent.partition("-")
        frozen = role == FROZEN and self.scorer == "frozen"
        return FROZEN if frozen else self._policy(int(number))

    def _compared_with(self, turn: Turn) -> tuple[str, str]:
        role = turn.agent.partition("-")[0]
        return self._trains(turn), role if self.normalise_by == "role" else ""
