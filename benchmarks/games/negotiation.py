"""Simple negotiation, as SPIRAL plays it (arXiv 2506.24119; the rules of TextArena).

Two players hold 10 wood and 10 gold each. To player 0 wood is worth 5 and gold 15, to player 1 the
other way round; neither is told the other's values. In turn, ten turns in all, they talk, offer a
trade, accept or deny one. An offer stands until it is answered or replaced. At the end, whose
holdings gained more in its own values wins.

Stricter than there: an action holds one move at most, and accepting or denying what is not on offer
is impossible, not ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

from ..settings import require_whole
from .game import Game, Policy, evenly, only
from .speech import speak

RESOURCES = ("Wood", "Gold")
HELD = (10, 10)
"""What each player begins with."""
VALUES = ((5, 15), (15, 5))
"""What one piece of each resource is worth to each player."""
TURNS = 10

Amounts = tuple[int, ...]
"""Pieces of each resource."""

_LISTED = 3
"""Pieces, at most, in the offers that are listed as moves; others are possible as well."""
_PIECES = re.compile(r"(\d{1,3}) (wood|gold)")
_PASS = "I pass."
_DEMANDS = ((2, 5), (2, 5), (2, 4), (2, 3))
"""What the haggler gives and wants, turn by turn; the last to the end."""


@dataclass(frozen=True, slots=True)
class Offer:
    by: int
    gives: Amounts
    wants: Amounts

    def __str__(self) -> str:
        return f"{_amounts(self.gives)} -> {_amounts(self.wants)}"


@dataclass(frozen=True, slots=True)
class Talks:
    """A negotiation under way."""

    held: tuple[Amounts, ...] = (HELD, HELD)
    offer: Offer | None = None
    said: tuple[str, ...] = ()
    """What happened in each turn; player 0 had the first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a player knows."""

    player: int
    held: Amounts
    values: Amounts
    offer: Offer | None
    heard: tuple[str, ...]
    """The other's turn, if it was the last."""
    turn: int
    """Turns that are over."""
    turns: int

    def gain(self, gives: Amounts, wants: Amounts) -> int:
        """What a trade would add to the player's holdings, in its own values."""
        return _worth(wants, self.values) - _worth(gives, self.values)

    @property
    def offered(self) -> Offer | None:
        """The offer that the player can answer."""
        return self.offer if self.offer and self.offer.by != self.player else None


def at_random(view: Seen) -> dict[str, float]:
    """Any of the listed moves."""
    return evenly(_moves(view))


def trader(view: Seen) -> dict[str, float]:
    """Takes whatever is a gain to itself, and offers one piece for one."""
    offer = view.offered
    if offer and _can(view.held, offer.wants) and view.gain(offer.wants, offer.gives) > 0:
        return only("[Accept]")
    return only(_swap(view, 1, 1))


def haggler(view: Seen) -> dict[str, float]:
    """Guesses that the other's values are opposite, so that one for one leads to a draw: takes only
    what is better, asks for much and comes down with time."""
    offer = view.offered
    if offer and _can(view.held, offer.wants):
        opposite = view.values[::-1]
        others = _worth(offer.wants, opposite) - _worth(offer.gives, opposite)
        if view.gain(offer.wants, offer.gives) > others:
            return only("[Accept]")
    gives, wants = _DEMANDS[min(view.turn // 2, len(_DEMANDS) - 1)]
    return only(_swap(view, gives, wants))


class Negotiation(Game[Talks, Seen]):
    """A trade of two resources that two players value differently.

    Args:
        turns: in all, both players' together.

    Raises:
        ValueError: `turns` is not a positive whole number.
    """

    name: ClassVar[str] = "negotiation"
    players: ClassVar[tuple[str, ...]] = ("player 0", "player 1")
    instructions: ClassVar[str] = (
        "A negotiation of two players who trade wood and gold. Pieces are worth to you what your "
        "values say; the other's values are its own. Whose holdings gain more in its own values by "
        "the end wins. In each turn, write words to the other, a move in brackets, or both: "
        "[Offer: 3 Wood -> 2 Gold] offers your 3 wood for 2 gold; [Accept] takes what is offered; "
        "[Deny] refuses it. An offer stands until it is answered or replaced."
    )
    policies: ClassVar[Mapping[str, Policy]] = {
        "random": at_random,
        "trader": trader,
        "haggler": haggler,
    }
    expert: ClassVar[str] = "haggler"
    opponent: ClassVar[str] = "trader"

    def __init__(self, turns: int = TURNS) -> None:
        require_whole("turns", turns, least=1)
        self.turns = turns

    @property
    def options(self) -> dict[str, Any]:
        return {"turns": self.turns}

    def begin(self, seed: int) -> Talks:
        return Talks()

    def turn(self, state: Talks) -> int | None:
        return len(state.said) % 2 if len(state.said) < self.turns else None

    def view(self, state: Talks, player: int) -> Seen:
        turn = len(state.said)
        heard = state.said[-1:] if turn % 2 == player else ()
        return Seen(
            player, state.held[player], VALUES[player], state.offer, heard, turn, self.turns
        )

    def text(self, view: Seen) -> str:
        each = zip(RESOURCES, view.held, view.values, strict=True)
        held = "; ".join(f"{count} {name}, worth {value} each" for name, count, value in each)
        gain = _worth(view.held, view.values) - _worth(HELD, view.values)
        lines = [f"You are {self.players[view.player]}.", *view.heard]
        lines.append(f"You hold: {held}. Gained so far: {gain:+d}.")
        if view.offer:
            who = "the other's" if view.offered else "yours"
            lines.append(f"On offer, {who}: {view.offer}")
        return "\n".join([*lines, f"Turns left: {view.turns - view.turn}"])

    def moves(self, view: Seen) -> tuple[str, ...]:
        """Answers, and offers of up to three pieces for up to three; more is possible."""
        return _moves(view)

    def after(self, state: Talks, action: str) -> Talks | None:
        mover = self.turn(state)
        if mover is None:
            return None
        done = speak(state, action, lambda move: self._done(state, mover, move))
        if done is None:
            return None
        after, deed, words = done
        spoken = f' says: "{words}"' if words else ""
        told = f"Player {mover}{spoken}{' and' if words and deed else ''}{deed}"
        return replace(after, said=(*state.said, told + ("" if told.endswith('"') else ".")))

    def payoffs(self, state: Talks) -> tuple[float, ...]:
        gains = [self.measures(state, player)["gain"] for player in (0, 1)]
        first = (gains[0] > gains[1]) - (gains[0] < gains[1])
        return (float(first), float(-first))

    def measures(self, state: Talks, player: int) -> dict[str, float]:
        values = VALUES[player]
        return {"gain": float(_worth(state.held[player], values) - _worth(HELD, values))}

    def _done(self, state: Talks, mover: int, move: str) -> tuple[Talks, str] | None:
        """The state after a move, and what to say of it; None if it is impossible."""
        open_to = state.offer if state.offer and state.offer.by != mover else None
        if move == "deny" and open_to:
            return replace(state, offer=None), " denies the offer"
        if move == "accept" and open_to and _can(state.held[mover], open_to.wants):
            traded = [_sum(state.held[player], open_to, player) for player in (0, 1)]
            return replace(state, held=tuple(traded), offer=None), f" accepts {open_to}"
        offer = _read_offer(mover, move)
        if offer is None or not _can(state.held[mover], offer.gives):
            return None
        return replace(state, offer=offer), f" offers {offer}"


def _moves(view: Seen) -> tuple[str, ...]:
    answers = ["[Deny]"] if view.offered else []
    if view.offered and _can(view.held, view.offered.wants):
        answers.insert(0, "[Accept]")
    offers = [
        _swap_of(given, gives, wants)
        for given in (0, 1)
        for gives, wants in product(range(1, _LISTED + 1), repeat=2)
        if gives <= view.held[given]
    ]
    return (*answers, *offers)


def _swap(view: Seen, gives: int, wants: int) -> str:
    """An offer of pieces that are worth less to the player for those that are worth more."""
    given = int(view.values[1] < view.values[0])
    return _swap_of(given, gives, wants) if gives <= view.held[given] else _PASS


def _swap_of(given: int, gives: int, wants: int) -> str:
    return f"[Offer: {gives} {RESOURCES[given]} -> {wants} {RESOURCES[1 - given]}]"


def _worth(amounts: Amounts, values: Amounts) -> int:
    return sum(count * value for count, value in zip(amounts, values, strict=True))


def _can(held: Amounts, wanted: Amounts) -> bool:
    return all(have >= need for have, need in zip(held, wanted, strict=True))


def _sum(held: Amounts, offer: Offer, player: int) -> Amounts:
    """What a player holds after a trade."""
    out, back = (offer.gives, offer.wants) if player == offer.by else (offer.wants, offer.gives)
    return tuple(have - gone + come for have, gone, come in zip(held, out, back, strict=True))


def _read_offer(mover: int, move: str) -> Offer | None:
    """The offer in `offer: 3 wood -> 2 gold`; a side may name both resources."""
    word, colon, terms = move.partition(":")
    sides = [_read_amounts(side) for side in terms.split("->")]
    if word != "offer" or not colon or len(sides) != 2 or not all(sides):
        return None
    return Offer(mover, sides[0] or (), sides[1] or ())


def _read_amounts(side: str) -> Amounts | None:
    """Pieces of each resource in `3 wood, 2 gold`; None if it says anything else, or nothing."""
    counts = [0 for _ in RESOURCES]
    for part in side.replace(" and ", ",").split(","):
        pieces = _PIECES.fullmatch(part.strip())
        if pieces is None:
            return None
        counts[pieces[2] == "gold"] += int(pieces[1])
    return tuple(counts) if any(counts) else None


def _amounts(amounts: Amounts) -> str:
    named = zip(amounts, RESOURCES, strict=True)
    return ", ".join(f"{count} {name}" for count, name in named if count)
