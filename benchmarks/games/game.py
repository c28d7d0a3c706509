"""The port for games: rules of play in turns, as pure functions on states that are plain values.

A game knows players only as seats, counted from 0. What a player may know is a value of its own,
the view: texts, possible moves and built-in policies are made from it alone, so that nothing of
another player's cards or limits can reach an agent. Who runs a game, an environment against a
built-in policy or a match of teams, holds it on a `Table`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, ClassVar, Generic, TypeVar

State = TypeVar("State")
View = TypeVar("View")
Policy = Callable[[Any], Mapping[str, float]]
"""From what a player knows, when it is to move, to the probability of each action."""

FORFEIT = (-1.5, 0.5)
"""Payoffs of a zero-sum game that ends by an impossible action or by giving up: the offender's and
everybody else's, as SPIRAL's training script has them (arXiv 2506.24119)."""


class Game(ABC, Generic[State, View]):
    """Rules of a game for players who take turns."""

    name: ClassVar[str]
    players: ClassVar[tuple[str, ...]]
    """The names of the seats, in order."""
    instructions: ClassVar[str]
    """The rules and the action grammar, told to every player once."""
    zero_sum: ClassVar[bool] = True
    """Payoffs are 1 for a win, -1 for a loss and 0 for a draw, for all players."""
    policies: ClassVar[Mapping[str, Policy]]
    """The built-in players by name."""
    expert: ClassVar[str]
    """The strongest of them."""
    opponent: ClassVar[str]
    """The one that an agent plays unless another is named."""

    @property
    def options(self) -> dict[str, Any]:
        """The settings of the rules. JSON values only."""
        return {}

    @abstractmethod
    def begin(self, seed: int) -> State:
        """A new game, with whatever is dealt or drawn."""

    @abstractmethod
    def turn(self, state: State) -> int | None:
        """The player to move; None when the game is over."""

    @abstractmethod
    def view(self, state: State, player: int) -> View:
        """All that a player knows, and nothing else. Hashable."""

    @abstractmethod
    def text(self, view: View) -> str:
        """What the player reads: what happened since it last moved, and how things stand."""

    @abstractmethod
    def moves(self, view: View) -> tuple[str, ...]:
        """Possible actions of the player, who is to move; all of them, unless the game says
        otherwise."""

    @abstractmethod
    def after(self, state: State, action: str) -> State | None:
        """The state that the action of the player to move leads to; None if it is impossible.
        Never raises, whatever the action says."""

    @abstractmethod
    def payoffs(self, state: State) -> tuple[float, ...]:
        """What each player gets at the end."""

    def forfeited(self, offender: int) -> tuple[float, ...]:
        """What each player gets when one breaks the rules or gives up."""
        return tuple(FORFEIT[player != offender] for player, _ in enumerate(self.players))

    def score(self, payoff: float) -> float:
        """A payoff as a score in [0, 1]: loss 0, draw 0.5, win 1."""
        return min(max((payoff + 1) / 2, 0.0), 1.0)

    def measures(self, state: State, player: int) -> dict[str, float]:
        """Further figures of a player at the end (chips, profit), by name."""
        return {}


def choose(odds: Mapping[str, float], rng: Random) -> str:
    """An action drawn by its probability."""
    return rng.choices(list(odds), list(odds.values()))[0]


def evenly(actions: tuple[str, ...]) -> dict[str, float]:
    """Each action with the same probability."""
    return dict.fromkeys(actions, 1 / len(actions))


def only(action: str) -> dict[str, float]:
    """One action for certain."""
    return {action: 1.0}
