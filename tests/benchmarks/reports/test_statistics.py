from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.benchmarks.reports import (
    best_of_k,
    bootstrap,
    clustered,
    holm,
    mcnemar,
    paired,
    pass_at_k,
    pass_hat_k,
    sign_flip,
    wilson,
)

counts = st.integers(0, 60)
units = st.floats(0, 1)
signs = st.integers(-1, 1)


def groups(values: st.SearchStrategy, least: int = 1) -> st.SearchStrategy:
    return st.lists(st.lists(values, min_size=1, max_size=5), min_size=least, max_size=20)


@pytest.mark.parametrize(
    ("won", "lost", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (10, 2, 2 * (1 + 12 + 66) / 2**12),
        (0, 6, 2 / 2**6),
        (1, 0, 1.0),
        (25, 15, 0.153861),  # scipy.stats.binomtest(15, 40).pvalue
        (59, 121, 4.43444e-06),  # as statsmodels' mcnemar(exact=True) and R's binom.test
    ],
)
def test_mcnemar_gives_the_exact_binomial_tail(won: int, lost: int, p: float) -> None:
    assert mcnemar(won, lost) == pytest.approx(p, rel=1e-5)
    assert mcnemar(lost, won) == mcnemar(won, lost)


def test_mcnemar_refuses_negative_counts() -> None:
    with pytest.raises(ValueError, match="lost=-1"):
        mcnemar(0, -1)


@given(won=counts, lost=counts, ties=counts)
def test_with_one_attempt_a_task_flipping_signs_is_mcnemars_test(
    won: int, lost: int, ties: int
) -> None:
    differences = [1] * won + [-1] * lost + [0] * ties
    assert sign_flip(differences) == pytest.approx(mcnemar(won, lost), rel=1e-9)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_flipping_signs_counts_all_ways_to_flip_them(differences: list[int]) -> None:
    observed = abs(sum(differences))
    flips = list(itertools.product((1, -1), repeat=len(differences)))
    extreme = sum(abs(sum(f * d for f, d in zip(flip, differences))) >= observed for flip in flips)
    assert sign_flip(differences) == pytest.approx(extreme / len(flips))


def test_holm_steps_down_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2]) == [0.2]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(units, max_size=8))
def test_holm_never_lowers_a_p_value_nor_changes_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted))
    pairs = sorted(zip(p_values, adjusted))
    assert [a for _, a in pairs] == sorted(adjusted)


@settings(max_examples=20)
@given(groups(units), st.integers(0, 3))
def test_bootstrap_is_seeded_and_stays_within_the_values(
    values: list[list[float]], seed: int
) -> None:
    low, high = bootstrap(values[:3], seed)
    assert (low, high) == bootstrap(values[:3], seed)
    flat = [value for group in values[:3] for value in group]
    assert min(flat) - 1e-9 <= low <= high <= max(flat) + 1e-9


def test_bootstrap_agrees_with_the_normal_interval_on_many_values() -> None:
    rng = random.Random(0)
    values = [[rng.gauss(0, 1)] for _ in range(400)]
    mean = sum(v for (v,) in values) / 400
    deviation = math.sqrt(sum((v - mean) ** 2 for (v,) in values) / 400 / 400)
    low, high = bootstrap(values)
    assert low == pytest.approx(mean - 1.96 * deviation, abs=0.006)
    assert high == pytest.approx(mean + 1.96 * deviation, abs=0.006)


def test_bootstrap_draws_whole_groups() -> None:
    alike = bootstrap([[value] * 10 for value in (0.0, 1.0, 1.0, 0.0, 1.0)])
    assert alike == bootstrap([[value] for value in (0.0, 1.0, 1.0, 0.0, 1.0)])
    with pytest.raises(ValueError, match="no values"):
        bootstrap([])


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_with_one_attempt_a_task_the_clustered_interval_is_wilsons(values: list[bool]) -> None:
    got = clustered([[value] for value in values])
    assert got == pytest.approx(wilson(sum(values), len(values)))


def test_attempts_that_always_agree_count_once_and_independent_ones_in_full() -> None:
    tasks = [True] * 12 + [False] * 8
    assert clustered([[t] * 5 for t in tasks]) == pytest.approx(wilson(12, 20))
    alternating = [[True, False]] * 20
    assert clustered(alternating) == pytest.approx(wilson(20, 40))
    assert clustered([[True] * 5] * 20) == pytest.approx(wilson(20, 20))
    mixed = [[True, False]] * 18 + [[True, True], [False, False]]
    assert clustered(mixed) == pytest.approx(wilson(20, 40))
    assert clustered([]) == (0, 1)


@given(groups(units))
def test_the_clustered_interval_holds_the_mean_and_stays_in_range(
    values: list[list[float]],
) -> None:
    low, high = clustered(values)
    flat = [value for group in values for value in group]
    assert 0 <= low <= sum(flat) / len(flat) + 1e-9
    assert sum(flat) / len(flat) - 1e-9 <= high <= 1


def test_paired_is_bonett_and_prices_interval() -> None:
    # 100 pairs, of which 20 are won and 8 lost, worked by hand: 21/102, 9/102
    won, lost = 21 / 102, 9 / 102
    spread = 1.959964 * math.sqrt((won + lost - (won - lost) ** 2) / 102)
    got = paired([[1]] * 20 + [[-1]] * 8 + [[0]] * 72)
    assert got == pytest.approx((won - lost - spread, won - lost + spread), abs=1e-6)


def test_paired_keeps_a_width_where_the_sides_never_differ() -> None:
    low, high = paired([[0]] * 12)
    assert low == -high
    assert 0.15 < high < 0.25
    assert paired([]) == (-1, 1)


def test_attempts_that_always_agree_do_not_narrow_the_paired_interval() -> None:
    tasks = [1] * 6 + [-1] * 2 + [0] * 12
    assert paired([[t] * 8 for t in tasks]) == pytest.approx(paired([[t] for t in tasks]))


@given(groups(signs))
def test_the_paired_interval_holds_the_difference(values: list[list[int]]) -> None:
    low, high = paired(values)
    flat = [value for group in values for value in group]
    assert -1 <= low <= sum(flat) / len(flat) <= high <= 1


@settings(max_examples=60)
@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_the_estimators_are_the_means_over_all_sets_of_k(
    results: list[bool], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(results)))
    sets = list(itertools.combinations(results, k))
    attempts, successes = len(results), sum(results)
    assert pass_at_k(attempts, successes, k) == pytest.approx(sum(map(any, sets)) / len(sets))
    assert pass_hat_k(attempts, successes, k) == pytest.approx(sum(map(all, sets)) / len(sets))


@settings(max_examples=60)
@given(st.lists(units, min_size=1, max_size=8), st.data())
def test_best_of_k_is_the_mean_best_over_all_sets_of_k(
    scores: list[float], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(scores)))
    sets = list(itertools.combinations(scores, k))
    assert best_of_k(scores, k) == pytest.approx(sum(map(max, sets)) / len(sets))


@given(st.integers(1, 40), st.data())
def test_pass_at_k_rises_and_pass_hat_k_falls_from_the_mean(
    attempts: int, data: st.DataObject
) -> None:
    successes = data.draw(st.integers(0, attempts))
    ks = range(1, attempts + 1)
    at = [pass_at_k(attempts, successes, k) for k in ks]
    hat = [pass_hat_k(attempts, successes, k) for k in ks]
    assert at[0] == pytest.approx(successes / attempts)
    assert hat[0] == pytest.approx(successes / attempts)
    assert at == sorted(at)
    assert hat == sorted(hat, reverse=True)
    assert (at[-1], hat[-1]) == (float(successes > 0), float(successes == attempts))


def test_pass_at_k_gives_the_values_of_the_paper_s_formula() -> None:
    # 1 - (n-c)(n-c-1).../(n (n-1) ...), Chen et al. 2021
    assert pass_at_k(10, 3, 2) == pytest.approx(1 - 7 * 6 / (10 * 9))
    assert pass_at_k(200, 20, 100) == pytest.approx(
        1 - math.prod((181 - i - 1) / (200 - i) for i in range(100))
    )


@pytest.mark.parametrize(
    ("attempts", "successes", "k", "message"),
    [(3, 1, 0, "k=0"), (3, 1, 4, "the 3 attempts"), (3, 4, 1, "4 successes in 3 attempts")],
)
def test_impossible_counts_are_named(attempts: int, successes: int, k: int, message: str) -> None:
    for estimator in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match=message):
            estimator(attempts, successes, k)
