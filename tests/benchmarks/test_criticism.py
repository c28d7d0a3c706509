from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.benchmarks.criticism import (
    Criticised,
    StepScore,
    accuracy,
    agreement,
    by_agreement,
    precision,
    step_score,
)


@given(st.integers(1, 20))
def test_a_critic_that_finds_everything_right_reaches_one_half_of_a_balanced_set(n: int) -> None:
    verdicts = [Criticised(right, verdict=True) for right in (True, False) for _ in range(n)]
    assert accuracy(verdicts) == precision(verdicts) == 0.5


def test_a_verdict_that_cannot_be_read_is_wrong_and_vouches_for_nothing() -> None:
    verdicts = [Criticised(True, None), Criticised(False, None), Criticised(True, True)]
    assert accuracy(verdicts) == pytest.approx(1 / 3)
    assert precision(verdicts) == 1.0
    assert accuracy([]) is precision([Criticised(True, False)]) is None


def test_verdicts_are_sliced_by_how_far_answers_agree() -> None:
    verdicts = [
        Criticised(True, True, 1.0),
        Criticised(False, True, 0.5),
        Criticised(True, False, 0.49),
        Criticised(False, False, 0.0),
    ]
    low, high = by_agreement(verdicts, 2)
    assert (low.low, low.answers, low.accuracy, low.precision) == (0.0, 2, 0.5, None)
    assert (high.low, high.answers, high.accuracy, high.precision) == (0.5, 2, 0.5, 0.5)


def test_agreement_is_the_commonest_answers_share() -> None:
    assert agreement(["3", "3.0", "5", "7"]) == 0.5


def test_the_f1_of_steps_is_a_harmonic_mean() -> None:
    assert StepScore(0.8, 0.4).f1 == pytest.approx(0.5333, abs=1e-4)
    assert StepScore(0.0, 0.0).f1 == 0.0
    assert StepScore(None, 0.4).f1 is None


def test_a_first_wrong_step_has_to_be_found_exactly() -> None:
    found = [2, 1, None, 0, 3, -1, -1, None, 4, 0]
    labels = [2, 1, 5, 0, 3, -1, -1, -1, -1, -1]
    score = step_score(found, labels)
    assert (score.faulty, score.faultless) == (0.8, 0.4)
    assert score.f1 == pytest.approx(0.5333, abs=1e-4)


def test_bad_figures_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\], not 2"):
        by_agreement([Criticised(True, True, 2.0)])
    with pytest.raises(ValueError, match="slices=0"):
        by_agreement([], 0)
    with pytest.raises(ValueError, match="1 verdicts on 0 solutions"):
        step_score([1], [])
    with pytest.raises(ValueError, match="no answers"):
        agreement([])
