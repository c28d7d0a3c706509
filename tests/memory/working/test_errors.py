from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.memory.working import ErrorMemory, NearestErrors, SketchedErrors

WIDTH = 16
KINDS = [NearestErrors, SketchedErrors]
A, B = np.eye(WIDTH)[0], -np.eye(WIDTH)[0]
"""Two regions as far apart as directions can be."""


def near(region: np.ndarray[Any, Any], number: int, spread: float = 0.02) -> np.ndarray[Any, Any]:
    return region + spread * np.random.default_rng(number).standard_normal(WIDTH)


def taught(kind: type[ErrorMemory], writes: int = 50, **settings: Any) -> ErrorMemory:
    """A memory of a base that always says 0.5, in a region where the truth is 1."""
    memory = kind(WIDTH, **settings)
    for number in range(writes):
        memory.learn(near(A, number), 0.5, 1)
    return memory


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_move_where_errors_were_made_and_stay_elsewhere(
    kind: type[ErrorMemory],
) -> None:
    fresh, memory = taught(kind, 0), taught(kind)
    assert fresh.corrected(A, 0.5) == 0.5
    assert memory.corrected(near(A, 999), 0.5) > 0.9
    assert memory.corrected(near(B, 1), 0.5) == 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_of_zero_is_the_base_exactly(kind: type[ErrorMemory]) -> None:
    memory = taught(kind, weight=0.0)
    assert [memory.corrected(near(A, n), n / 10) for n in range(11)] == [n / 10 for n in range(11)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_memory_never_holds_more_than_its_capacity_and_forgets_the_oldest(
    kind: type[ErrorMemory],
) -> None:
    memory = kind(WIDTH, capacity=20)
    for number in range(100):
        memory.learn(near(A, number), 0.5, 1)
        assert len(memory) == min(number + 1, 20)
    assert memory.corrected(A, 0.5) > 0.9
    for number in range(20):
        memory.learn(near(B, number), 0.5, 0)
    assert memory.corrected(A, 0.5) == 0.5, "the errors in A are forgotten"
    assert memory.corrected(B, 0.5) < 0.1
    memory.clear()
    assert (len(memory), memory.corrected(B, 0.5)) == (0, 0.5)


def test_the_exact_error_is_the_softmax_weighted_mean_of_the_nearest() -> None:
    memory = NearestErrors(2, neighbours=2, temperature=0.5, near=-1, weight=0.5)
    memory.learn([1, 0], 0.5, 1.0)
    memory.learn([0, 1], 0.5, 0.3)
    memory.learn([-1, 0], 0.5, 0.0)
    weights = np.exp(np.array([0.6, 0.8]) / 0.5)
    error = (weights[0] * 0.5 - weights[1] * 0.2) / weights.sum()
    assert memory.corrected([3, 4], 0.4) == pytest.approx(0.4 + 0.5 * error)


def test_a_bucket_of_the_sketch_holds_the_mean_of_its_errors() -> None:
    memory = SketchedErrors(2, tables=4, bits=3)
    for label in (1.0, 0.5, 0.9):
        memory.learn([1, 0], 0.5, label)
    assert memory.corrected([2, 0], 0.2) == pytest.approx(0.2 + (0.5 + 0.0 + 0.4) / 3)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60
    ),
    st.integers(1, 10),
)
def test_the_sketch_with_a_window_equals_one_that_learnt_the_window_only(
    learnt: list[tuple[int, float, float]], capacity: int
) -> None:
    long, short = SketchedErrors(WIDTH, capacity=capacity), SketchedErrors(WIDTH, capacity=capacity)
    for place, predicted, label in learnt:
        long.learn(near(A, place, 1.0), predicted, label)
    for place, predicted, label in learnt[-capacity:]:
        short.learn(near(A, place, 1.0), predicted, label)
    for place in range(6):
        key = near(A, place, 1.0)
        assert long.corrected(key, 0.5) == pytest.approx(short.corrected(key, 0.5), abs=1e-12)


@given(st.integers(0, 999), st.floats(0, 1), st.floats(0, 10))
def test_corrected_scores_stay_probabilities(seed: int, predicted: float, weight: float) -> None:
    for kind in KINDS:
        memory = taught(kind, 5, weight=weight)
        assert 0 <= memory.corrected(near(A, seed), predicted) <= 1


def test_a_sketch_is_the_same_for_the_same_seed() -> None:
    a, b, c = (taught(SketchedErrors, 5, seed=seed) for seed in (1, 1, 2))
    key = near(A, 7, 0.5)
    assert a.corrected(key, 0.5) == b.corrected(key, 0.5)
    assert a.corrected(key, 0.5) != c.corrected(key, 0.5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"width": 0}, "width=0"),
        ({"capacity": 0}, "capacity=0"),
        ({"weight": -1.0}, "weight=-1.0"),
        ({"weight": float("nan")}, "weight=nan"),
    ],
)
def test_settings_out_of_range_are_refused(
    kind: type[ErrorMemory], settings: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong):
        kind(**{"width": 4, **settings})


def test_settings_of_one_kind_are_refused_too() -> None:
    for settings in (
        {"neighbours": 0},
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"near": 1.5},
    ):
        (name,) = settings
        with pytest.raises(ValueError, match=f"{name}="):
            NearestErrors(4, **settings)  # type: ignore[arg-type]
    for settings in ({"tables": 0}, {"bits": 0}, {"bits": 25}):
        (name,) = settings
        with pytest.raises(ValueError, match=f"{name}="):
            SketchedErrors(4, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_keys_scores_and_labels_that_mean_nothing_are_refused(kind: type[ErrorMemory]) -> None:
    memory = kind(2)
    nan = float("nan")
    with pytest.raises(ValueError, match=r"shape \(2,\), not \(3,\)"):
        memory.learn([1, 2, 3], 0.5, 1)
    for key in ([0, 0], [nan, 1], [float("inf"), 1]):
        with pytest.raises(ValueError, match="a key points somewhere"):
            memory.corrected(key, 0.5)
    for score in (nan, -0.1, 1.1):
        with pytest.raises(ValueError, match=f"a predicted score is in .* not {score}"):
            memory.corrected([1, 0], score)
        with pytest.raises(ValueError, match=f"a label is in .* not {score}"):
            memory.learn([1, 0], 0.5, score)
    assert len(memory) == 0
