"""Simple negotiation: offers, answers, words, and what they are worth."""

import pytest

from symposia.benchmarks.games import Negotiation
from symposia.benchmarks.games.negotiation import Talks

GAME = Negotiation()


def after(*actions: str, game: Negotiation = GAME) -> Talks:
    talks = game.begin(0)
    for action in actions:
        done = game.after(talks, action)
        assert done is not None, action
        talks = done
    return talks


def test_a_trade_changes_holdings_and_gains() -> None:
    talks = after("[Offer: 3 Wood -> 2 Gold]", "[Accept]")
    assert talks.held == ((7, 12), (13, 8))
    assert [GAME.measures(talks, player)["gain"] for player in (0, 1)] == [15.0, 35.0]
    assert GAME.payoffs(talks) == (-1.0, 1.0)
    assert talks.offer is None


def test_the_game_goes_on_for_ten_turns_whatever_was_agreed() -> None:
    talks = after("[Offer: 1 Wood -> 1 Gold]", "[Accept]", *["hm"] * 7)
    assert GAME.turn(talks) == 1
    assert GAME.turn(after("[Offer: 1 Wood -> 1 Gold]", "[Accept]", *["hm"] * 8)) is None
    assert GAME.payoffs(talks) == (0.0, 0.0)


def test_an_offer_stands_until_it_is_answered_or_replaced() -> None:
    opening = "[Offer: 1 Wood -> 1 Gold]"
    assert after(opening, "Let me think.").offer is not None
    assert after(opening, "hm", "hm", "[Accept]").held == ((9, 11), (11, 9))
    assert after(opening, "[Deny]").offer is None
    replaced = after(opening, "[Offer: 2 Gold -> 3 Wood]").offer
    assert replaced is not None and (replaced.by, replaced.gives) == (1, (0, 2))


@pytest.mark.parametrize(
    ("before", "action"),
    [
        ((), "[Accept]"),
        ((), "[Deny]"),
        (("[Offer: 1 Wood -> 1 Gold]", "hm"), "[Accept]"),
        (("[Offer: 1 Wood -> 11 Gold]",), "[Accept]"),
        ((), "[Offer: 11 Wood -> 1 Gold]"),
        ((), "[Offer: 1 Silver -> 1 Gold]"),
        ((), "[Offer: 0 Wood -> 1 Gold]"),
        ((), "[Offer: 1 Wood]"),
        ((), "[Offer: -1 Wood -> 1 Gold]"),
        ((), "[Offer: 1 Wood -> 1 Gold -> 1 Wood]"),
        ((), "[Accept] [Deny]"),
        ((), ""),
        ((), " \n "),
    ],
)
def test_what_cannot_be_done_is_impossible(before: tuple[str, ...], action: str) -> None:
    assert GAME.after(after(*before), action) is None


def test_a_side_may_name_both_resources() -> None:
    talks = after("[offer: 1 wood, 1 gold -> 3 wood]", "[accept]")
    assert talks.held == ((12, 9), (8, 11))


def test_words_reach_the_other_in_one_short_line() -> None:
    talks = after('Deal?\n\n"Yes"\x00 \ud800 ' + "x" * 5000 + " [Offer: 1 Wood -> 1 Gold]")
    heard = GAME.text(GAME.view(talks, 1)).splitlines()[1]
    assert heard.startswith("Player 0 says: \"Deal? 'Yes' xxx")
    assert heard.endswith('…" and offers 1 Wood -> 1 Gold.')
    assert len(heard) < 400


def test_the_others_values_and_holdings_are_not_known() -> None:
    view = GAME.view(after("[Offer: 1 Wood -> 1 Gold]"), 1)
    assert (view.values, view.held) == ((15, 5), (10, 10))
    assert "worth 15 each; 10 Gold, worth 5 each" in GAME.text(view)
    assert not hasattr(view, "state")


def test_listed_moves_are_possible() -> None:
    talks = after("[Offer: 8 Wood -> 1 Gold]", "[Accept]")
    for player_turn in (talks, GAME.after(talks, "[Offer: 1 Gold -> 1 Wood]")):
        assert player_turn is not None
        turn = GAME.turn(player_turn)
        assert turn is not None
        for move in GAME.moves(GAME.view(player_turn, turn)):
            assert GAME.after(player_turn, move) is not None, move
