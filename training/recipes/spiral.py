"""SPIRAL: one policy plays both sides of a zero-sum game, and learns from both.

Every task is a game, played out by the present weights in both seats; each seat sees only what its
player may know. An impossible action, or one that cannot be read or was cut off, ends the game: its
author is paid -1.5, the other 0.5. A game's payoff is compared with what its role came to expect so
far, an exponential mean for each game and role (role-conditioned advantage estimation), and every
turn of the player earns the difference. Games that went as expected teach nothing and are left out.
The loss is the clipped policy gradient without divergence, a sum over tokens divided by a constant.

The opponent may also be an earlier version, which moves up when it is beaten too easily.

Paper: "SPIRAL: Self-Play on Zero-Sum Games Incentivizes Reasoning via Multi-Agent Multi-Turn
Reinforcement Learning", arXiv 2506.24119.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from ...agents import ToolAgent
from ...benchmarks.games import play_matches
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import act
from ...graphs.team import Team
from ..advantages import RoleBaselines, towards_the_end
from ..advantages.roles import DECAY
from ..curricula import OpponentRounds
from ..from_episodes import samples
from ..loop.recipe import Models, Recipe, Runner, Stage
from ..losses import Clip
from ..sample import Example
from ..trainer import Objective, PolicyGradient

PAPER = Paper(
    title=(
        "SPIRAL: Self-Play on Zero-Sum Games Incentivizes Reasoning via Multi-Agent Multi-Turn "
        "Reinforcement Learning"
    ),
    arxiv="2506.24119",
    kind="recipe",
)
BATCH = 128
"""The paper's turns in an iteration."""
LENGTH = 4096
"""The paper's tokens of a reply, by which a row's sum is divided."""
OTHER = "opponent"


class SPIRAL(Recipe):
    """Self-play with an advantage for each role.

    Args:
        opponent: `itself`, or `rounds`: earlier versions, see `OpponentRounds`.
        decay: how much of a role's mean stays at each game.
        gamma: discount for each own turn up to the end.
        batch: turns that are trained in an iteration, drawn at random; None trains all.
        length: divides a row's sum over tokens.

    Raises:
        ValueError: there is no such opponent, or `batch` or `length` is not positive.
    """

    name = "spiral"
    summary = "self-play on zero-sum games, compared by role"
    paper = PAPER
    acts = True

    def __init__(
        self,
        *,
        opponent: Literal["itself", "rounds"] = "itself",
        decay: float = DECAY,
        gamma: float = 1.0,
        batch: int | None = BATCH,
        length: int = LENGTH,
    ) -> None:
        if opponent not in ("itself", "rounds"):
            raise ValueError(f"opponent={opponent!r}: it is itself or rounds")
        if length < 1 or (batch is not None and batch < 1):
            raise ValueError(f"batch={batch}, length={length}: they must be at least 1")
        self.opponent, self.decay, self.gamma = opponent, decay, gamma
        self.batch, self.length = batch, length

    def team(self, models: Models, stage: Stage) -> Team:
        return act(ToolAgent(models["policy"]), unread_limit=1)

    def earlier(self, stage: Stage) -> Mapping[str, tuple[str, int]]:
        if self.opponent == "itself":
            return {}
        return {OTHER: ("policy", OpponentRounds.of(stage.memory.get("opponents")).version)}

    def runner(self, models: Models, stage: Stage) -> Runner:
        if self.opponent == "itself":
            return play_matches
        other = act(ToolAgent(models[OTHER]), unread_limit=1, name=OTHER)
        return partial(play_matches, opponent=other)

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        own = [each for each in episodes if each.team != OTHER and not each.outcome.error]
        roles = RoleBaselines(self.decay, dict(stage.memory.get("baselines", {})))
        advantages = roles.advantages(
            [each.outcome.measures["payoff"] for each in own], [role(each) for each in own]
        )
        stage.memory["baselines"] = roles.baselines
        if self.opponent == "rounds" and own:
            rounds = OpponentRounds.of(stage.memory.get("opponents"))
            rounds.met(sum(e.outcome.score for e in own) / len(own), stage.versions["policy"])
            stage.memory["opponents"] = rounds.as_json()
        rows = [
            row
            for episode, advantage in zip(own, advantages, strict=True)
            if advantage
            for row in samples(
                episode,
                self._credit(episode, advantage),
                group=role(episode),
                policy=lambda turn: "policy",
            )
        ]
        if self.batch is None or len(rows) <= self.batch:
            return rows
        return [rows[at] for at in sorted(stage.rng.sample(range(len(rows)), self.batch))]

    def objective(self, policy: str, stage: Stage) -> Objective:
        return PolicyGradient(clip=Clip(0.2, 0.2), mean="sequence_sum", length=self.length)

    def _credit(self, episode: Episode, advantage: float) -> dict[str, float]:
        turns = [turn.id for turn in episode.turns if not turn.error]
        return dict(zip(turns, towards_the_end(advantage, len(turns), self.gamma), strict=True))


def role(episode: Episode) -> str:
    """What a payoff is compared by: the game and the player, as `kuhn/player 0`."""
    return f"{episode.task.partition(':')[0]}/{episode.kind}"
