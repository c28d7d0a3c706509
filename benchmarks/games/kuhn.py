"""Kuhn poker: three cards, one chip to bet (Kuhn 1950), in several hands as SPIRAL plays it.

Each hand, both players put one chip into the pot and get one of the cards J, Q and K; K is the
highest. The first to act checks or bets one chip. After a check the other checks, for a showdown,
or bets; a bet is called, for a showdown, or folded. The higher card takes the pot. The players
take turns in beginning a hand. After the last hand, who has more chips wins (SPIRAL, arXiv
2506.24119: five hands; the rules of TextArena). Cards are shown only at a showdown.

In one hand, best play costs the beginner 1/18 of a chip on average.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from random import Random
from typing import Any, ClassVar

from ..settings import require_whole
from .game import Game, Policy, evenly
from .speech import read_move

CARDS = "JQK"
"""From the lowest to the highest."""
DEALS = tuple(permutations(CARDS, 2))
"""The cards of the first and the second player; all are equally likely."""
ROUNDS = 5
"""Hands of a game in SPIRAL."""

_ANSWERS: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("check", "bet"),
    ("check",): ("check", "bet"),
    ("bet",): ("fold", "call"),
    ("check", "bet"): ("fold", "call"),
}
"""What can be done after what was done in a hand; a hand that is not here is over."""


@dataclass(frozen=True, slots=True)
class Hands:
    """A game: all deals, and the bids of each hand so far."""

    deals: tuple[tuple[str, ...], ...]
    bids: tuple[tuple[str, ...], ...] = ((),)

    def chips(self, player: int) -> int:
        """What a player has won or lost in the hands that are over."""
        return sum(_won(self.deals[n], bids, n % 2, player) for n, bids in enumerate(self.bids))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a player knows."""

    player: int
    card: str
    bids: tuple[str, ...]
    """Of this hand."""
    beginner: int
    """Of this hand."""
    number: int
    """Of this hand, counted from 1."""
    rounds: int
    chips: int
    """What it has won or lost so far."""
    last: str
    """How the hand ended that ended last; empty in the first."""
    over: bool


def nash(view: Seen) -> dict[str, float]:
    """An equilibrium of one hand (Kuhn 1950, with his free parameter at 1/3).

    The beginner bets with K and bluffs with every third J; the other bets with K and every third J
    after a check. A bet is called with K, and with Q by the beginner in two cases of three, by the
    other in one. Over several hands, where only the winner counts, better play exists.
    """
    begins = view.player == view.beginner
    if "bet" in view.bids:
        call = {"J": 0.0, "Q": 2 / 3 if begins else 1 / 3, "K": 1.0}[view.card]
        return {"[fold]": 1 - call, "[call]": call}
    bet = {"J": 1 / 3, "Q": 0.0, "K": 1.0}[view.card]
    return {"[check]": 1 - bet, "[bet]": bet}


def at_random(view: Seen) -> dict[str, float]:
    """Any possible bid."""
    return evenly(tuple(f"[{bid}]" for bid in _ANSWERS[view.bids]))


class Kuhn(Game[Hands, Seen]):
    """Kuhn poker.

    Args:
        rounds: hands in a game.

    Raises:
        ValueError: `rounds` is not a positive whole number.
    """

    name: ClassVar[str] = "kuhn"
    players: ClassVar[tuple[str, ...]] = ("player 0", "player 1")
    instructions: ClassVar[str] = (
        "Kuhn poker for two. The cards are J, Q and K; K is the highest. In each hand both players "
        "put 1 chip into the pot and get one card each, never the same. With no bet on the table, "
        "[check] passes and [bet] adds 1 chip to the pot; against a bet, [call] adds 1 chip and "
        "[fold] gives up the hand. When both have checked, or a bet is called, the higher card "
        "takes the pot. The players take turns in beginning a hand; who has more chips after the "
        "last hand wins. Your action is one of [check], [bet], [call], [fold]."
    )
    policies: ClassVar[Mapping[str, Policy]] = {"random": at_random, "nash": nash}
    expert: ClassVar[str] = "nash"
    opponent: ClassVar[str] = "nash"

    def __init__(self, rounds: int = ROUNDS) -> None:
        require_whole("rounds", rounds, least=1)
        self.rounds = rounds

    @property
    def options(self) -> dict[str, Any]:
        return {"rounds": self.rounds}

    def begin(self, seed: int) -> Hands:
        rng = Random(f"kuhn/{seed}")
        return Hands(tuple(rng.choice(DEALS) for _ in range(self.rounds)))

    def turn(self, state: Hands) -> int | None:
        if state.bids[-1] not in _ANSWERS:
            return None
        return (len(state.bids) - 1 + len(state.bids[-1])) % 2

    def view(self, state: Hands, player: int) -> Seen:
        number, over = len(state.bids), self.turn(state) is None
        ended = number - 1 if over else number - 2
        return Seen(
            player,
            state.deals[number - 1][player],
            state.bids[-1],
            (number - 1) % 2,
            number,
            len(state.deals),
            state.chips(player),
            _ending(state.deals[ended], state.bids[ended], ended % 2) if ended >= 0 else "",
            over,
        )

    def text(self, view: Seen) -> str:
        lines = [f"You are {self.players[view.player]}."]
        if view.last:
            lines.append(f"Hand {view.number - (not view.over)}: {view.last}")
        if not view.over:
            lines.append(f"Hand {view.number} of {view.rounds}. Your card is {view.card}.")
            bidders = (view.beginner, 1 - view.beginner)
            lines += [f"{_name(bidders[n])}: {bid}." for n, bid in enumerate(view.bids)]
            lines.append(f"Possible: {', '.join(self.moves(view))}")
        return "\n".join([*lines, f"Your chips: {view.chips:+d}."])

    def moves(self, view: Seen) -> tuple[str, ...]:
        return tuple(f"[{bid}]" for bid in _ANSWERS[view.bids])

    def after(self, state: Hands, action: str) -> Hands | None:
        bid = read_move(action)
        if bid not in _ANSWERS.get(state.bids[-1], ()):
            return None
        bids = (*state.bids[-1], str(bid))
        opened = ((),) if bids not in _ANSWERS and len(state.bids) < len(state.deals) else ()
        return replace(state, bids=(*state.bids[:-1], bids, *opened))

    def payoffs(self, state: Hands) -> tuple[float, ...]:
        chips = state.chips(0)
        first = (chips > 0) - (chips < 0)
        return (float(first), float(-first))

    def measures(self, state: Hands, player: int) -> dict[str, float]:
        return {"chips": float(state.chips(player))}


def _winner(deal: tuple[str, ...], bids: tuple[str, ...], beginner: int) -> int:
    """Who takes the pot of a hand that is over."""
    if bids[-1] == "fold":
        return (beginner + len(bids)) % 2
    return int(CARDS.index(deal[1]) > CARDS.index(deal[0]))


def _won(deal: tuple[str, ...], bids: tuple[str, ...], beginner: int, player: int) -> int:
    """The chips that a hand brings a player; 0 while it is under way."""
    if bids in _ANSWERS:
        return 0
    stake = 2 if bids[-1] == "call" else 1
    return stake if _winner(deal, bids, beginner) == player else -stake


def _ending(deal: tuple[str, ...], bids: tuple[str, ...], beginner: int) -> str:
    """How a hand ended, in words for both: the cards only where they were shown."""
    said = ", ".join(bids)
    winner = _winner(deal, bids, beginner)
    chips = _won(deal, bids, beginner, winner)
    shown = (
        "" if bids[-1] == "fold" else f" at the showdown, {deal[winner]} over {deal[1 - winner]}"
    )
    return f"{_name(beginner)} began; {said}. {_name(winner)} won {chips}{shown}."


def _name(player: int) -> str:
    return f"Player {player}"
