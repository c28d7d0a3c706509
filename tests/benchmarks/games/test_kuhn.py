"""Kuhn poker: its rules, what players know, and an equilibrium that is exact."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.benchmarks.games import Kuhn, Policy
from symposia.benchmarks.games.kuhn import DEALS, Hands, Seen, at_random, nash

ONE = Kuhn(rounds=1)


def played(deals: tuple[tuple[str, ...], ...], *bids: str) -> Hands:
    game, hands = Kuhn(rounds=len(deals)), Hands(deals)
    for bid in bids:
        after = game.after(hands, f"[{bid}]")
        assert after is not None
        hands = after
    return hands


@pytest.mark.parametrize(
    ("bids", "chips"),
    [
        (("check", "check"), 1),
        (("bet", "call"), 2),
        (("bet", "fold"), 1),
        (("check", "bet", "call"), 2),
        (("check", "bet", "fold"), -1),
    ],
)
def test_a_hand_pays_what_the_bids_say(bids: tuple[str, ...], chips: int) -> None:
    hands = played((("K", "Q"),), *bids)
    assert ONE.turn(hands) is None
    assert (hands.chips(0), hands.chips(1)) == (chips, -chips)


def test_the_lower_card_wins_by_a_fold_only() -> None:
    assert played((("J", "Q"),), "bet", "fold").chips(0) == 1
    assert played((("J", "Q"),), "bet", "call").chips(0) == -2


def test_players_take_turns_in_beginning_and_most_chips_win() -> None:
    game = Kuhn(rounds=2)
    hands = Hands((("K", "J"), ("Q", "J")))
    turns = []
    for bid in ("bet", "call", "check", "check"):
        turns.append(game.turn(hands))
        hands = game.after(hands, bid) or hands
    assert turns == [0, 1, 1, 0]
    assert hands.chips(0) == 3
    assert game.payoffs(hands) == (1.0, -1.0)
    assert game.measures(hands, 1) == {"chips": -3.0}


def test_equal_chips_are_a_draw() -> None:
    hands = played((("K", "J"), ("J", "Q")), "bet", "call", "bet", "call")
    assert Kuhn(rounds=2).payoffs(hands) == (0.0, 0.0)


@pytest.mark.parametrize("action", ["[call]", "fold", "[check] [bet]", "raise", "", "[]"])
def test_impossible_bids_are_refused(action: str) -> None:
    assert ONE.after(Hands((("K", "Q"),)), action) is None


def test_a_bid_may_be_written_in_capitals_or_bare() -> None:
    start = Hands((("K", "Q"),))
    assert ONE.after(start, "I [Bet]!") == ONE.after(start, "bet") == played((("K", "Q"),), "bet")


@given(st.lists(st.sampled_from(["check", "bet", "fold", "call"]), max_size=12), st.data())
def test_the_others_card_shows_in_nothing_before_a_showdown(
    bids: list[str], data: st.DataObject
) -> None:
    """Two games that differ in cards that were never shown look the same to the player."""
    game = Kuhn(rounds=3)
    player = data.draw(st.integers(0, 1))
    own = [data.draw(st.sampled_from("JQK")) for _ in range(3)]
    both = [
        [
            data.draw(st.sampled_from([deal for deal in DEALS if deal[player] == card]))
            for card in own
        ]
        for _ in range(2)
    ]
    games = [Hands(tuple(deals)) for deals in both]
    for bid in bids:
        if game.turn(games[0]) is None:
            break
        after = [game.after(hands, bid) for hands in games]
        assert (after[0] is None) == (after[1] is None)
        if after[0] is None or after[1] is None:
            continue
        games = [after[0], after[1]]
        shown = any(
            each[-1:] in (("call",), ("check",)) and len(each) > 1 for each in games[0].bids
        )
        if shown:
            break
        views = [game.view(hands, player) for hands in games]
        assert views[0] == views[1]
        assert game.text(views[0]) == game.text(views[1])


def test_a_showdown_shows_both_cards_and_a_fold_none() -> None:
    game = Kuhn(rounds=2)
    shown = played((("K", "Q"), ("J", "Q")), "bet", "call")
    assert "Hand 1: Player 0 began; bet, call. Player 0 won 2 at the showdown, K over Q." in (
        game.text(game.view(shown, 1))
    )
    folded = played((("K", "Q"), ("J", "Q")), "bet", "fold")
    assert "Player 0 won 1." in game.text(game.view(folded, 1))
    assert "K" not in game.text(game.view(folded, 1)).replace("Kuhn", "")


# Exact evaluation of one hand -------------------------------------------------------------------


def chance(policy: Policy, view: Seen) -> dict[str, Fraction]:
    """A policy's probabilities as exact fractions; they are thirds."""
    odds = {move: Fraction(p).limit_denominator(12) for move, p in policy(view).items()}
    assert sum(odds.values()) == 1
    return odds


def value(hands: Hands, first: Policy, second: Policy) -> Fraction:
    """What the first player wins on average from here, in chips."""
    turn = ONE.turn(hands)
    if turn is None:
        return Fraction(hands.chips(0))
    odds = chance((first, second)[turn], ONE.view(hands, turn))
    return sum(
        (
            p * value(ONE.after(hands, move) or hands, first, second)
            for move, p in odds.items()
            if p
        ),
        Fraction(0),
    )


def mean(first: Policy, second: Policy) -> Fraction:
    return sum((value(Hands((deal,)), first, second) for deal in DEALS), Fraction(0)) / len(DEALS)


def strategies(player: int) -> list[Policy]:
    """Every pure strategy: a bid for each thing that the player can know when it is to move."""
    known: dict[Seen, tuple[str, ...]] = {}

    def walk(hands: Hands) -> None:
        turn = ONE.turn(hands)
        if turn is None:
            return
        view = ONE.view(hands, turn)
        if turn == player:
            known[view] = ONE.moves(view)
        for move in ONE.moves(view):
            walk(ONE.after(hands, move) or hands)

    for deal in DEALS:
        walk(Hands((deal,)))
    assert len(known) == 6

    def pure(chosen: dict[Seen, str]) -> Policy:
        return lambda view: {chosen[view]: 1.0}

    return [pure(dict(zip(known, each, strict=True))) for each in product(*known.values())]


def test_best_play_costs_the_beginner_an_eighteenth_of_a_chip() -> None:
    assert mean(nash, nash) == Fraction(-1, 18)


def test_no_strategy_whatever_gains_against_the_equilibrium() -> None:
    best_first = max(mean(first, nash) for first in strategies(0))
    best_second = max(-mean(nash, second) for second in strategies(1))
    assert best_first + best_second == 0  # its exploitability
    assert best_first == Fraction(-1, 18)


def test_random_play_can_be_exploited() -> None:
    """The test above can fail."""
    best_first = max(mean(first, at_random) for first in strategies(0))
    best_second = max(-mean(at_random, second) for second in strategies(1))
    assert best_first + best_second > Fraction(1, 2)


def test_every_deal_is_dealt_about_equally_often() -> None:
    counts: dict[tuple[str, ...], int] = defaultdict(int)
    for seed in range(600):
        counts[ONE.begin(seed).deals[0]] += 1
    assert set(counts) == set(DEALS)
    assert min(counts.values()) > 60
