from __future__ import annotations

import pytest

from symposia.benchmarks.judge_bias import Judged, reliability, shows_bias


@pytest.mark.parametrize(
    ("clean", "baited", "biased"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_bias_is_to_be_right_clean_and_wrong_with_bait(
    clean: bool, baited: bool, biased: bool
) -> None:
    assert shows_bias(clean, baited) is biased


def test_accuracy_is_with_bait_and_consistency_is_both_times() -> None:
    pairs = [Judged(0, 0, 0), Judged(0, 0, 1), Judged(1, 0, 1), Judged(1, 0, 0)]
    found = reliability(pairs)
    assert (found.accuracy, found.consistency, found.biased) == (0.5, 0.25, 0.25)


def test_pairs_that_could_not_be_read_are_left_out_and_counted() -> None:
    found = reliability([Judged(0, None, 0), Judged(0, 0, None), Judged(0, 0, 0)])
    assert (found.pairs, found.unreadable, found.accuracy) == (1, 2, 1.0)
    assert reliability([]).accuracy is None


def test_a_judge_that_is_put_right_goes_from_nothing_to_all() -> None:
    before = reliability([Judged(0, 0, 1)] * 4)
    after = reliability([Judged(0, 0, 0)] * 4)
    assert (before.accuracy, before.biased) == (0.0, 1.0)
    assert (after.accuracy, after.biased) == (1.0, 0.0)
