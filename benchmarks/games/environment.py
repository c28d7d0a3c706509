"""Games as environments: an agent in one seat, a built-in player in the other.

The score of a game lies in [0, 1]: loss 0, draw 0.5 and win 1 in the zero-sum games, the share of
what there is to win in bargaining. Payoffs as the game counts them, and its own figures, are in the
last observation's `info`. A game that reaches `max_steps` is a draw, or no deal, as in SPIRAL.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, ClassVar, Self

from ...episodes import Observation, Task
from ..environment import Environment, TaskError
from ..settings import TRAINING_SEEDS, require_seeds, require_whole
from .bargaining import Bargaining
from .game import Game, choose
from .kuhn import Kuhn
from .negotiation import Negotiation
from .table import Moment, Table
from .tictactoe import TicTacToe


def experts_of(game: type[Game[Any, Any]]) -> tuple[str, ...]:
    """The built-in players that play by a plan, the strongest first."""
    return tuple(name for name in dict.fromkeys((game.expert, *game.policies)) if name != "random")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of one task, to return to."""

    task_id: str
    moment: Moment
    observation: Observation
    steps: int


class GameEnvironment(Environment):
    """A game against a built-in player. Subclasses say which; your own game takes two lines.

    Args:
        rules: settings of the game itself, for example `{"rounds": 1}`.
        opponent: the built-in player in the other seat; by default one that can be beaten, if any.
        player: the agent's seat; by default each in turn.
        games: how many games a split has.
        seed: of the first game.
        forgiven: impossible actions in a row that do not forfeit the game.
        max_steps: the agent's actions until the game ends without a winner.
        expert: the built-in player that also tells, in the observations' `info`, what it would do.

    Raises:
        ValueError: an unknown rule, opponent, player or expert, or a number out of range.
    """

    splits: ClassVar[tuple[str, ...]] = ("test", "train")
    played: ClassVar[type[Game[Any, Any]]]
    """The game."""

    def __init__(
        self,
        *,
        rules: Mapping[str, Any] | None = None,
        opponent: str | None = None,
        player: str | None = None,
        games: int = 100,
        seed: int = 0,
        forgiven: int = 0,
        max_steps: int = 50,
        expert: str | None = None,
    ) -> None:
        self.require_expert(expert)
        game = self._made(rules or {})
        opponent = opponent or game.opponent
        if opponent not in game.policies:
            raise ValueError(f"opponent={opponent!r}: it is one of {', '.join(game.policies)}")
        if player not in (None, *game.players):
            raise ValueError(f"player={player!r}: it is one of {', '.join(game.players)}")
        require_whole("forgiven", forgiven)
        require_whole("max_steps", max_steps, least=1)
        self.game = game
        self.instructions = game.instructions
        self.max_steps = max_steps
        self._opponent = opponent
        self._player = player
        self._seeds = require_seeds(seed, "games", games)
        self._forgiven = forgiven
        self._expert = expert
        self._task: Task | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {
            "rules": self.game.options,
            "opponent": self._opponent,
            "player": self._player,
            "games": len(self._seeds),
            "seed": self._seeds.start,
            "forgiven": self._forgiven,
            "max_steps": self.max_steps,
            "expert": self._expert,
        }

    def tasks(self, split: str = "test") -> Sequence[Task]:
        """One task a game; the agent's seat is the task's kind."""
        self.require_split(split)
        seats = self.game.players if self._player is None else (self._player,)
        start = TRAINING_SEEDS if split == "train" else 0
        return [
            Task(
                id=f"{self.name}:{start + seed}/{seat}",
                prompt=f"Play {self.name} as {seat}.",
                kind=seat,
                data={"seed": start + seed, "player": self.game.players.index(seat)},
            )
            for seed in self._seeds
            for seat in (seats[seed % len(seats)],)
        ]

    def reset(self, task: Task) -> Observation:
        seed, seat = task.data.get("seed"), task.data.get("player")
        known = range(len(self.game.players))
        if not isinstance(seed, int) or not isinstance(seat, int) or seat not in known:
            raise TaskError(f"{task.id}: its data names no seed and player: {task.data}")
        self._task, self._seat, self._steps = task, seat, 0
        self._table = Table(self.game, seed, forgiven=self._forgiven)
        return self._observe(valid=True)

    def step(self, action: str) -> Observation:
        self._playing()
        if self._last.done:
            return replace(self._last, reward=0.0)
        self._steps += 1
        return self._observe(valid=self._table.move(action))

    def expert_action(self) -> str:
        """What the game's expert would do now in the agent's place, knowing what the agent knows.

        Raises:
            RuntimeError: no task is set up, or its game is over.
        """
        self._playing()
        if self._last.done:
            raise RuntimeError("the game is over")
        return self._chosen(self.game.expert)

    def snapshot(self) -> Snapshot:
        return Snapshot(self._playing().id, self._table.moment, self._last, self._steps)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Return to a snapshot of the task that is set up now.

        Raises:
            ValueError: the snapshot is of another task.
        """
        task = self._playing()
        if snapshot.task_id != task.id:
            raise ValueError(f"a snapshot of {snapshot.task_id} cannot continue {task.id}")
        self._table.moment = snapshot.moment
        self._last, self._steps = snapshot.observation, snapshot.steps
        return self._last

    def fork(self) -> Self:
        own = copy.copy(self)
        own._task = None
        return own

    def close(self) -> None:
        self._task = None

    def _made(self, rules: Mapping[str, Any]) -> Game[Any, Any]:
        known = inspect.signature(self.played).parameters
        if not isinstance(rules, Mapping) or not set(known).issuperset(rules):
            raise ValueError(
                f"rules={rules!r}: {self.name} has these: {', '.join(known) or 'none'}"
            )
        return self.played(**rules)

    def _playing(self) -> Task:
        if self._task is None:
            raise RuntimeError("no task is set up: call reset first")
        return self._task

    def _observe(self, *, valid: bool) -> Observation:
        """What the agent sees after the other player has moved."""
        while self._table.turn not in (None, self._seat):
            self._table.move(self._chosen(self._opponent))
        seen = self._table.observe(self._seat, valid=valid)
        if self._steps >= self.max_steps and not seen.done:
            score = self.game.score(0.0)
            info = {**seen.info, "stop": "step limit", "payoff": 0.0}
            seen = replace(seen, reward=score, done=True, info=info)
        info = {**seen.info, "steps": self._steps}
        if self._expert is not None:
            info["expert_plan"] = [] if seen.done else [self._chosen(self._expert)]
        self._last = replace(seen, info=info)
        return self._last

    def _chosen(self, policy: str) -> str:
        """What a built-in player does for the player to move; seeded by the game and the move."""
        table = self._table
        assert table.turn is not None
        rng = Random(f"{table.moment.seed}/{table.moment.moves}/{policy}")
        return choose(self.game.policies[policy](table.view(table.turn)), rng)


class TicTacToeEnvironment(GameEnvironment):
    """Tic-tac-toe. Opponents: `minimax`, `random`."""

    name: ClassVar[str] = TicTacToe.name
    played: ClassVar[type[Game[Any, Any]]] = TicTacToe
    experts: ClassVar[tuple[str, ...]] = experts_of(TicTacToe)


class KuhnEnvironment(GameEnvironment):
    """Kuhn poker. Opponents: `nash`, `random`."""

    name: ClassVar[str] = Kuhn.name
    played: ClassVar[type[Game[Any, Any]]] = Kuhn
    experts: ClassVar[tuple[str, ...]] = experts_of(Kuhn)


class NegotiationEnvironment(GameEnvironment):
    """Simple negotiation. Opponents: `haggler`, `trader`, `random`."""

    name: ClassVar[str] = Negotiation.name
    played: ClassVar[type[Game[Any, Any]]] = Negotiation
    experts: ClassVar[tuple[str, ...]] = experts_of(Negotiation)


class BargainingEnvironment(GameEnvironment):
    """Buyer and seller. Opponents: `boulware`, `linear`, `conceder`, `random`."""

    name: ClassVar[str] = Bargaining.name
    played: ClassVar[type[Game[Any, Any]]] = Bargaining
    experts: ClassVar[tuple[str, ...]] = experts_of(Bargaining)
