from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.benchmarks.perfics import Candidate, Weights, perfics

figures = st.floats(0.01, 100.0)
pools = st.lists(st.tuples(figures, figures, figures), min_size=1, max_size=5).map(
    lambda rows: [Candidate(f"m{i}", *row) for i, row in enumerate(rows)]
)
weights = st.builds(Weights, figures, figures, figures)
TOLERANCE = 1e-9


@given(pools, weights, figures)
def test_raising_cost_alone_never_raises_a_score(
    pool: list[Candidate], weights: Weights, more: float
) -> None:
    dearer = [replace(pool[0], cost=pool[0].cost + more), *pool[1:]]
    before, after = perfics(pool, weights).scores, perfics(dearer, weights).scores
    assert after["m0"] <= before["m0"] + TOLERANCE


@given(pools, weights)
def test_doubling_gain_alone_never_lowers_a_score(pool: list[Candidate], weights: Weights) -> None:
    doubled = [replace(pool[0], gain=2 * pool[0].gain), *pool[1:]]
    before, after = perfics(pool, weights).scores, perfics(doubled, weights).scores
    assert after["m0"] >= before["m0"] - TOLERANCE


@given(st.lists(figures, min_size=2, max_size=5, unique=True), weights)
def test_equal_cost_and_gain_order_by_refined_performance(
    reached: list[float], weights: Weights
) -> None:
    pool = [Candidate(f"m{i}", value, gain=0.1, cost=7.0) for i, value in enumerate(reached)]
    best_first = [c.name for c in sorted(pool, key=lambda c: -c.performance)]
    assert list(perfics(pool, weights).scores) == best_first


def test_the_weights_decide_and_are_reported() -> None:
    strong = Candidate("strong", performance=0.9, gain=0.02, cost=140.0)
    cheap = Candidate("cheap", performance=0.6, gain=0.25, cost=14.0)
    by_performance = perfics([strong, cheap], Weights(performance=1, gain=0, cost=0))
    assert by_performance.scores == {"strong": 1.0, "cheap": 0.0}
    assert by_performance.weights.cost == 0
    assert perfics([strong, cheap]).scores == pytest.approx({"cheap": 2 / 3, "strong": 1 / 3})


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ValueError, match="weights"):
        Weights(0, 0, 0)
    with pytest.raises(ValueError, match="same name"):
        perfics([Candidate("a", 1, 1, 1), Candidate("a", 2, 2, 2)])
    with pytest.raises(ValueError, match="finite"):
        perfics([Candidate("a", float("nan"), 1, 1)])
