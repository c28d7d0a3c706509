"""Buyer and seller: prices, deals, limits that stay private."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.benchmarks.games import Bargaining
from symposia.benchmarks.games.bargaining import BUYER, SELLER, Haggle, boulware, conceder

PAPER = Bargaining(cost=8, worth=20)


def after(*actions: str) -> Haggle:
    state = PAPER.begin(0)
    for action in actions:
        done = PAPER.after(state, action)
        assert done is not None, action
        state = done
    return state


def test_a_deal_shares_what_there_is_to_win() -> None:
    deal = after("[Offer: $20]", "Too much. [Offer: $10]", "[Offer: $17]", "[Accept]")
    assert PAPER.turn(deal) is None
    assert PAPER.payoffs(deal) == (0.75, 0.25)
    assert PAPER.measures(deal, BUYER) == {"profit": 3.0, "price": 17.0}
    assert "Deal at $17." in PAPER.text(PAPER.view(deal, SELLER))


def test_prices_have_cents() -> None:
    assert after("[Offer: $14.5]").offers == (1450, None)
    assert after("[Offer: 14.05]").offers == (1405, None)
    assert "$14.05" in PAPER.text(PAPER.view(after("[Offer: 14.05]"), BUYER))


def test_a_price_past_a_limit_costs_its_owner_but_scores_stay_within_bounds() -> None:
    deal = after("[Offer: $26]", "[Accept]")
    assert PAPER.payoffs(deal) == (1.5, -0.5)
    assert [PAPER.score(each) for each in PAPER.payoffs(deal)] == [1.0, 0.0]


@pytest.mark.parametrize("ending", [("[Quit]",), ("hello",) * 20])
def test_without_a_deal_both_get_nothing(ending: tuple[str, ...]) -> None:
    state = after(*ending)
    assert PAPER.turn(state) is None
    assert PAPER.payoffs(state) == (0.0, 0.0)
    assert "No deal." in PAPER.text(PAPER.view(state, BUYER))


@pytest.mark.parametrize(
    "action",
    ["[Accept]", "[Offer: $-1]", "[Offer: $99999]", "[Offer: a lot]", "[Sell]", "", "[1] [2]"],
)
def test_what_cannot_be_done_is_impossible(action: str) -> None:
    assert PAPER.after(PAPER.begin(0), action) is None


def test_only_the_others_price_can_be_accepted() -> None:
    assert PAPER.after(after("[Offer: $20]", "Hm."), "[Accept]") is None


@given(st.integers(0, 500), st.integers(0, 1))
def test_the_others_limit_shows_in_nothing(seed: int, player: int) -> None:
    """Two games that differ only in the other's limit look the same."""
    game = Bargaining()
    limits = game.begin(seed).limits
    other = (limits[0], limits[1] + 100) if player == SELLER else (limits[0] + 100, limits[1])
    views = [game.view(Haggle(each), player) for each in (limits, other)]
    assert views[0] == views[1]
    assert game.text(views[0]) == game.text(views[1])


@given(st.integers(0, 10_000))
def test_there_is_always_something_to_win(seed: int) -> None:
    cost, worth = Bargaining().begin(seed).limits
    assert 0 < cost < worth


def test_built_in_players_close_on_the_papers_prices_without_passing_their_limits() -> None:
    for seller in (boulware, conceder):
        for buyer in (boulware, conceder):
            state = PAPER.begin(0)
            while (turn := PAPER.turn(state)) is not None:
                (move,) = (seller, buyer)[turn](PAPER.view(state, turn))
                state = PAPER.after(state, move) or state
            assert state.price is not None and 800 <= state.price <= 2000
            assert "$20" in state.said[0]
            assert len(state.said) < 2 or "$10" in state.said[1] or "accepts" in state.said[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cost": 8}, "give both"),
        ({"cost": 8, "worth": 8}, "above the cost"),
        ({"cost": "8", "worth": 20}, "cost='8'"),
        ({"rounds": 0}, "rounds=0"),
    ],
)
def test_wrong_rules_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Bargaining(**wrong)
