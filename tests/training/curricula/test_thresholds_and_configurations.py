from __future__ import annotations

import math

import pytest

from symposia.training.curricula import Graded, balance, balanced, best_setting, raised, steps


def test_a_threshold_rises_and_then_stays() -> None:
    assert [raised((0.5, 0.7, 1.0), iteration) for iteration in range(5)] == [0.5, 0.7, 1, 1, 1]


@pytest.mark.parametrize(
    ("thresholds", "iteration", "message"),
    [
        ((), 0, "no thresholds"),
        ((0.7, 0.5), 0, "fall"),
        ((math.nan,), 0, "threshold 0 is nan"),
        ((0.5,), -1, "iteration=-1"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(
    thresholds: tuple[float, ...], iteration: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        raised(thresholds, iteration)


def test_the_grids_of_b_star_have_both_ends() -> None:
    temperatures = steps(0.5, 1.2, 0.05)
    assert (len(temperatures), temperatures[0], temperatures[1], temperatures[-1]) == (
        15,
        0.5,
        0.55,
        1.2,
    )
    assert len(steps(-1.0, 1.0, 0.01)) == 201
    assert steps(1.0, 1.0, 0.5) == [1.0]
    for start, stop, step in ((0, 1, 0.3), (0, 1, 0), (1, 0, 0.5)):
        with pytest.raises(ValueError, match="no steps"):
            steps(start, stop, step)


def test_balance_wants_enough_right_samples_and_few_wrong_ones() -> None:
    assert balance(10, 9) == pytest.approx(0.9)
    assert balance(5, 4) == pytest.approx(0.5 * 0.8)
    assert (balance(10, 9) + balance(5, 4)) / 2 == pytest.approx(0.65)
    assert balance(8, 8) == 1.0
    assert balance(0, 0) == 0.0
    with pytest.raises(ValueError, match="kept=1, right=2"):
        balance(1, 2)


def graded(right: int, wrong: int, high: int = 0) -> list[Graded]:
    """Samples that are right (`high` of the wrong ones with a good reward as well)."""
    return [Graded(1.0, True, f"r{n}") for n in range(right)] + [
        Graded(0.8 if n < high else 0.1, False, f"w{n}") for n in range(wrong)
    ]


def test_raising_the_threshold_until_all_that_is_kept_is_right_balances_best() -> None:
    found = balanced({1.0: [graded(8, 4)]}, [0.0, 0.5])
    assert (found.threshold, found.score) == (0.5, 1.0)
    assert balanced({1.0: [graded(8, 4)]}, [0.0]).score == pytest.approx(8 / 12)


def test_more_right_samples_decide_unless_wrong_ones_are_kept_with_them() -> None:
    cold, hot = [graded(4, 1)], [graded(6, 6)]
    assert balanced({0.5: cold, 1.0: hot}, [0.5]).temperature == 1.0
    deceptive = [graded(6, 6, high=6)]
    found = balanced({0.5: cold, 1.0: deceptive}, [0.5])
    assert (found.temperature, found.score) == (0.5, 0.5)


def test_repeated_samples_count_once() -> None:
    again = [Graded(1.0, True, "same")] * 8
    assert balanced({1.0: [again]}, [0.0]).score == pytest.approx(1 / 8)


def test_of_equal_settings_the_first_is_taken_and_of_thresholds_the_strictest() -> None:
    assert best_setting([3, 1, 2], lambda n: 0.0) == (3, 0.0)
    found = balanced({0.7: [graded(1, 0)], 0.9: [graded(1, 0)]}, [0.1, 0.2])
    assert (found.temperature, found.threshold) == (0.7, 0.2)
    nothing_right = balanced({0.7: [graded(0, 3)]}, [-1.0, 1.0])
    assert (nothing_right.threshold, nothing_right.score) == (1.0, 0.0)


def test_a_search_without_settings_or_queries_is_refused() -> None:
    with pytest.raises(ValueError, match="no settings"):
        best_setting([], float)
    with pytest.raises(ValueError, match="no settings"):
        balanced({0.7: [graded(1, 0)]}, [])
    with pytest.raises(ValueError, match=r"no queries at temperature 0\.7"):
        balanced({0.7: []}, [0.0])
    with pytest.raises(ValueError, match="score 0 is nan"):
        best_setting([1], lambda n: math.nan)
