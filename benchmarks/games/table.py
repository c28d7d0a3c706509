"""A table: one game under way. It says whose turn it is, tells each player what it may know, counts
mistakes, and pays out at the end.

An impossible action is answered by saying so; after `forgiven` of them in a row the next one ends
the game, and its author has forfeited it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...episodes import Observation
from ..settings import require_whole
from .game import Game


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of one game, to return to. Picklable."""

    seed: int
    state: Any
    moves: int = 0
    """Taken by all players."""
    mistakes: int = 0
    """Impossible actions in a row of the player to move."""
    offender: int | None = None
    """Who forfeited the game."""


class Table:
    """One game and its players, by their seats.

    Args:
        game: the rules.
        seed: of what is dealt or drawn.
        forgiven: impossible actions in a row that cost nothing.

    Raises:
        ValueError: `forgiven` is not a whole number.
    """

    def __init__(self, game: Game[Any, Any], seed: int, *, forgiven: int = 0) -> None:
        require_whole("forgiven", forgiven)
        self.game = game
        self.forgiven = forgiven
        self.moment = Moment(seed, game.begin(seed))

    @property
    def turn(self) -> int | None:
        """The player to move; None when the game is over."""
        over = self.moment.offender is not None
        return None if over else self.game.turn(self.moment.state)

    @property
    def payoffs(self) -> tuple[float, ...] | None:
        """What each player gets; None while the game is on."""
        if self.moment.offender is not None:
            return self.game.forfeited(self.moment.offender)
        return self.game.payoffs(self.moment.state) if self.turn is None else None

    def view(self, player: int) -> Any:
        """What a player knows."""
        return self.game.view(self.moment.state, player)

    def move(self, action: str) -> bool:
        """Take an action of the player to move. False if it is impossible.

        Raises:
            RuntimeError: the game is over.
        """
        mover, at = self.turn, self.moment
        if mover is None:
            raise RuntimeError("the game is over")
        after = self.game.after(at.state, action)
        if after is not None:
            self.moment = replace(at, state=after, moves=at.moves + 1, mistakes=0)
        elif at.mistakes >= self.forgiven:
            self.forfeit(mover)
        else:
            self.moment = replace(at, mistakes=at.mistakes + 1)
        return after is not None

    def forfeit(self, player: int) -> None:
        """End the game, if it is on, because a player broke the rules or gave up."""
        if self.turn is not None:
            self.moment = replace(self.moment, offender=player)

    def observe(self, player: int, *, valid: bool = True) -> Observation:
        """What a player sees now, with its score once the game is over.

        Args:
            valid: False where the player's last action was impossible.
        """
        view, payoffs = self.view(player), self.payoffs
        lines = [self.game.text(view)]
        if not valid:
            lines.insert(0, "That is impossible.")
        info: dict[str, Any] = {"player": self.game.players[player], "valid": valid}
        score = 0.0
        if payoffs is not None:
            lines.append(self._verdict(player, payoffs))
            score = self.game.score(payoffs[player])
            info |= {
                "stop": "solved" if score == 1 else self._stop(player),
                "payoff": payoffs[player],
                "payoffs": list(payoffs),
                **self.game.measures(self.moment.state, player),
            }
        possible = self.game.moves(view) if self.turn == player else ()
        return Observation(
            "\n".join(line for line in lines if line), possible, score, payoffs is not None, info
        )

    def _stop(self, player: int) -> str:
        if self.moment.offender is None:
            return "game over"
        return "forfeit" if self.moment.offender == player else "forfeit of another"

    def _verdict(self, player: int, payoffs: tuple[float, ...]) -> str:
        if self.moment.offender is not None:
            who = "You have" if self.moment.offender == player else "Another player has"
            return f"{who} forfeited the game."
        if not self.game.zero_sum:
            return ""
        own = payoffs[player]
        return "You win." if own > 0 else "You lose." if own < 0 else "It is a draw."
