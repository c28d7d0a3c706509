from __future__ import annotations

import numpy as np
import pytest

from symposia.memory.working import Chain, RewriteTable, Session, best_rewrite, chain_of

CARD = Chain(("u1", "u2"), [[0.0, 0.6], [0.0, 0.0]], np.array([[0.0, 0.4], [0.9, 0.1]]))
"""u1 leads to u2 with 0.6 and fails else; u2 ends well with 0.9."""


def sessions(*counted: tuple[tuple[str, ...], bool, int]) -> list[Session]:
    return [Session(said, success) for said, success, count in counted for _ in range(count)]


def test_the_worked_example_comes_out_exactly() -> None:
    assert CARD.absorbed[0, 0] == pytest.approx(0.54)
    assert CARD.absorbed.sum(axis=1) == pytest.approx([1, 1])
    assert best_rewrite(CARD, "u1") == "u2"
    assert best_rewrite(CARD, "u2") is None


def test_a_rewrite_must_beat_the_saying_itself_by_the_margin() -> None:
    assert best_rewrite(CARD, "u1", margin=0.53) == "u2"
    assert best_rewrite(CARD, "u1", margin=0.54) is None


def test_chains_are_counted_from_sessions_and_paraphrases_share_a_state() -> None:
    chain = chain_of(
        sessions(
            (("u1", "U2!"), True, 5),
            (("u1.", "u2"), False, 1),
            (("U1",), False, 4),
            (("u2",), True, 4),
        )
    )
    assert chain.states == ("u1", "U2!")
    assert chain.onwards == pytest.approx(np.array([[0, 0.6], [0, 0]]))
    assert chain.ends == pytest.approx(np.array([[0, 0.4], [0.9, 0.1]]))
    assert chain.absorbed[0, 0] == pytest.approx(0.54)


def test_rare_transitions_are_left_out_with_what_leads_nowhere_then() -> None:
    seen = sessions((("a", "b"), True, 5), (("a", "c", "d"), True, 1), (("d", "c"), True, 2))
    assert set(chain_of(seen).states) == {"a", "b", "c", "d"}
    chain = chain_of(seen, min_count=5)
    assert chain.states == ("a", "b")
    assert chain.onwards[0, 1] == 1
    with pytest.raises(ValueError, match="no transition was seen min_count=9 times"):
        chain_of(seen, min_count=9)


def table(trials: int = 10) -> RewriteTable:
    return RewriteTable(CARD, trials=trials)


def test_the_table_rewrites_what_means_the_same_and_nothing_else() -> None:
    assert [table().rewrite(said) for said in ("u1", " U1. ", "u2", "u3")] == [
        "u2",
        "u2",
        None,
        None,
    ]


def test_a_pair_that_loses_is_removed_once_both_arms_were_seen_often_enough() -> None:
    losing = table()
    for _ in range(10):
        losing.record("u1", rewritten=True, success=False)
    assert losing.rewrite("u1") == "u2", "there is nothing to compare with yet"
    for number in range(10):
        losing.record("U1", rewritten=False, success=number == 0)
    assert losing.rewrite("u1") is None
    (pair,) = losing.pairs
    assert (pair.rewritten.trials, pair.rewritten.wins) == (10, 0)
    assert (pair.alone.trials, pair.alone.wins) == (10, 1)
    for _ in range(100):
        losing.record("u1", rewritten=True, success=True)
    assert losing.rewrite("u1") is None, "a pair that was removed does not come back"


def test_a_pair_that_wins_or_ties_stays() -> None:
    winning = table()
    for number in range(50):
        winning.record("u1", rewritten=True, success=number % 2 == 0)
        winning.record("u1", rewritten=False, success=number % 2 == 1)
    assert winning.rewrite("u1") == "u2"


def test_wrong_values_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="session 1 is empty"):
        chain_of([Session(("a",), True), Session((), True)])
    with pytest.raises(ValueError, match="min_count=0"):
        chain_of([Session(("a",), True)], min_count=0)
    for margin in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="margin="):
            best_rewrite(CARD, "u1", margin=margin)
    with pytest.raises(KeyError, match="no state 'u9'"):
        best_rewrite(CARD, "u9")
    with pytest.raises(ValueError, match="trials=0"):
        RewriteTable(CARD, trials=0)
    with pytest.raises(KeyError, match="no rewrite of 'u2'"):
        table().record("u2", rewritten=True, success=True)
