"""Buyer and seller bargain over a balloon (GPT-Bargaining, arXiv 2305.10142).

The seller knows what the balloon cost, the buyer what it is worth to it; neither knows the other's
limit. They speak in turn, the seller first, ten rounds at most: words, a price, or consent to the
other's last price. There, cost is $8 and the seller opens at $20, the buyer at $10; here cost and
worth are drawn from the seed, and both may be set. There, a third model decides whether a deal was
made; here consent is a move, so that no judge is needed.

A player's payoff is its share of what there is to win, worth less cost: 0 without a deal, below 0
or above 1 for a price past a limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, ClassVar

from ..settings import require_whole
from .game import Game, Policy, evenly, only
from .speech import speak

ROUNDS = 10
"""Turns of each player, at most."""
COSTS = (5, 15)
"""Dollars between which the seller's cost is drawn."""
MARGINS = (4, 20)
"""Dollars by which the balloon is worth more to the buyer than it cost."""
SELLER_OPENING = 20 / 8
"""The paper's opening price over its cost; what built-in sellers open with."""
BUYER_OPENING = 10 / 20
"""The paper's first bid over the price it answers; what built-in buyers open with, of its worth."""
BOULWARE, LINEAR, CONCEDER = 0.2, 1.0, 5.0
"""How built-in players give way in time: late, evenly or early (the parameter beta of Faratin,
Sierra and Jennings, "Negotiation decision functions for autonomous agents", 1998)."""

_PRICE = re.compile(r"offer:? ?\$? ?(\d{1,4})(?:\.(\d{1,2}))?")
_DEAREST = sum((COSTS[1], MARGINS[1]))
"""Dollars; listed offers end here, others are possible as well."""
SELLER, BUYER = 0, 1


@dataclass(frozen=True, slots=True)
class Haggle:
    """A bargain under way. Prices are in cents."""

    limits: tuple[int, int]
    """What the balloon cost, and what it is worth to the buyer."""
    offers: tuple[int | None, int | None] = (None, None)
    """The price that each player last named."""
    said: tuple[str, ...] = ()
    """What happened in each turn; the seller had the first."""
    price: int | None = None
    """Of the deal."""
    left: bool = False
    """A player has left without a deal."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a player knows. Prices are in cents."""

    player: int
    limit: int
    """The seller's cost, or the buyer's worth."""
    offered: int | None
    """The other's last price."""
    heard: tuple[str, ...]
    """The other's turn, if it was the last."""
    turn: int
    """Turns that are over."""
    rounds: int
    price: int | None
    over: bool


def giving_way(view: Seen, beta: float) -> dict[str, float]:
    """A player that moves its price from its opening to its limit, and takes the other's price when
    it is no worse than its own next."""
    share = SELLER_OPENING if view.player == SELLER else BUYER_OPENING
    opening = round(view.limit * share)
    last = view.rounds - 1
    given = (view.turn // 2 / last) ** (1 / beta) if last else 1.0
    price = round(opening + (view.limit - opening) * given)
    if view.offered is not None:
        worse = view.offered < price if view.player == SELLER else view.offered > price
        if not worse:
            return only("[Accept]")
    return only(f"[Offer: {_dollars(price)}]")


def boulware(view: Seen) -> dict[str, float]:
    """Holds its price and gives way late."""
    return giving_way(view, BOULWARE)


def linear(view: Seen) -> dict[str, float]:
    """Gives way evenly."""
    return giving_way(view, LINEAR)


def conceder(view: Seen) -> dict[str, float]:
    """Gives way early."""
    return giving_way(view, CONCEDER)


def at_random(view: Seen) -> dict[str, float]:
    """Any of the listed moves."""
    return evenly(_moves(view))


class Bargaining(Game[Haggle, Seen]):
    """A seller and a buyer who look for a price.

    Args:
        rounds: turns of each player, at most.
        cost: what the balloon cost the seller, in dollars; by default drawn from the seed.
        worth: what it is worth to the buyer, in dollars; by default drawn from the seed.

    Raises:
        ValueError: a number is out of range, only one of `cost` and `worth` is given, or there is
            nothing to win.
    """

    name: ClassVar[str] = "bargaining"
    players: ClassVar[tuple[str, ...]] = ("seller", "buyer")
    zero_sum: ClassVar[bool] = False
    instructions: ClassVar[str] = (
        "A bargaining game between the seller and the buyer of a balloon. The seller wants a high "
        "price, the buyer a low one; without a deal both get nothing. They speak in turn, the "
        "seller first. In each turn, write words to the other, a move in brackets, or both: "
        "[Offer: $15] names a price; [Accept] closes the deal at the other's last price; [Quit] "
        "ends the game without a deal."
    )
    policies: ClassVar[Mapping[str, Policy]] = {
        "random": at_random,
        "conceder": conceder,
        "linear": linear,
        "boulware": boulware,
    }
    expert: ClassVar[str] = "boulware"
    opponent: ClassVar[str] = "linear"

    def __init__(
        self, rounds: int = ROUNDS, cost: int | None = None, worth: int | None = None
    ) -> None:
        require_whole("rounds", rounds, least=1)
        if (cost is None) != (worth is None):
            raise ValueError(f"cost={cost}, worth={worth}: give both or neither")
        if cost is not None and worth is not None:
            require_whole("cost", cost)
            require_whole("worth", worth)
            if worth <= cost:
                raise ValueError(f"cost={cost}, worth={worth}: the worth must be above the cost")
        self.rounds = rounds
        self.cost = cost
        self.worth = worth

    @property
    def options(self) -> dict[str, Any]:
        return {"rounds": self.rounds, "cost": self.cost, "worth": self.worth}

    def begin(self, seed: int) -> Haggle:
        if self.cost is not None and self.worth is not None:
            return Haggle((100 * self.cost, 100 * self.worth))
        rng = Random(f"bargaining/{seed}")
        cost = rng.randint(*COSTS)
        return Haggle((100 * cost, 100 * (cost + rng.randint(*MARGINS))))

    def turn(self, state: Haggle) -> int | None:
        over = state.price is not None or state.left or len(state.said) >= 2 * self.rounds
        return None if over else len(state.said) % 2

    def view(self, state: Haggle, player: int) -> Seen:
        turn = len(state.said)
        return Seen(
            player,
            state.limits[player],
            state.offers[1 - player],
            state.said[-1:] if turn % 2 == player else (),
            turn,
            self.rounds,
            state.price,
            self.turn(state) is None,
        )

    def text(self, view: Seen) -> str:
        limit = f"The balloon cost you {_dollars(view.limit)}."
        if view.player == BUYER:
            limit = f"The balloon is worth {_dollars(view.limit)} to you."
        lines = [f"You are the {self.players[view.player]}. {limit}", *view.heard]
        if view.price is not None:
            lines.append(f"Deal at {_dollars(view.price)}.")
        elif view.over:
            lines.append("No deal.")
        else:
            lines.append(f"Turns left to you: {view.rounds - view.turn // 2}")
        return "\n".join(lines)

    def moves(self, view: Seen) -> tuple[str, ...]:
        """Answers, and whole dollars; other prices are possible as well."""
        return _moves(view)

    def after(self, state: Haggle, action: str) -> Haggle | None:
        mover = self.turn(state)
        if mover is None:
            return None
        done = speak(state, action, lambda move: self._done(state, mover, move))
        if done is None:
            return None
        after, deed, words = done
        spoken = f'The {self.players[mover]} says: "{words}"' if words else ""
        return replace(after, said=(*state.said, f"{spoken} {deed}".strip()))

    def payoffs(self, state: Haggle) -> tuple[float, ...]:
        if state.price is None:
            return (0.0, 0.0)
        cost, worth = state.limits
        return ((state.price - cost) / (worth - cost), (worth - state.price) / (worth - cost))

    def forfeited(self, offender: int) -> tuple[float, ...]:
        """There is no deal."""
        return (0.0, 0.0)

    def score(self, payoff: float) -> float:
        """The share of what there is to win, within [0, 1]."""
        return min(max(payoff, 0.0), 1.0)

    def measures(self, state: Haggle, player: int) -> dict[str, float]:
        if state.price is None:
            return {"profit": 0.0}
        profit = (state.price - state.limits[SELLER], state.limits[BUYER] - state.price)[player]
        return {"profit": profit / 100, "price": state.price / 100}

    def _done(self, state: Haggle, mover: int, move: str) -> tuple[Haggle, str] | None:
        """The state after a move, and what to say of it; None if it is impossible."""
        who, theirs = self.players[mover], state.offers[1 - mover]
        if move == "quit":
            return replace(state, left=True), f"The {who} leaves."
        if move == "accept" and theirs is not None:
            return replace(state, price=theirs), f"The {who} accepts {_dollars(theirs)}."
        price = _PRICE.fullmatch(move)
        if price is None:
            return None
        cents = 100 * int(price[1]) + int((price[2] or "").ljust(2, "0"))
        offers = (cents, state.offers[1]) if mover == SELLER else (state.offers[0], cents)
        return replace(state, offers=offers), f"The {who} offers {_dollars(cents)}."


def _moves(view: Seen) -> tuple[str, ...]:
    accept = ("[Accept]",) if view.offered is not None else ()
    prices = tuple(f"[Offer: ${dollars}]" for dollars in range(1, _DEAREST + 1))
    return (*accept, "[Quit]", *prices)


def _dollars(cents: int) -> str:
    return f"${cents // 100}" if cents % 100 == 0 else f"${cents / 100:.2f}"
