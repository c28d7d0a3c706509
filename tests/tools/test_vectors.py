from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.tools.vectors import VectorIndex

KEYS = st.sampled_from([f"k{i}" for i in range(12)])
VECTORS = st.lists(st.integers(-3, 3), min_size=4, max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), KEYS, VECTORS),
        st.tuples(st.just("remove"), KEYS, st.none()),
    ),
    max_size=60,
)


def cosine(one: list[int], other: list[int]) -> float:
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.dot(one, other) / lengths) if lengths else 0.0


@given(STEPS, VECTORS, st.integers(0, 14))
@settings(max_examples=200)
def test_the_index_finds_what_looking_at_every_vector_finds(steps, query, k) -> None:
    index = VectorIndex()
    held: dict[str, list[int]] = {}
    for step, key, vector in steps:
        if step == "add":
            index.add(key, vector)
            held[key] = vector
        else:
            assert index.remove(key) == (held.pop(key, None) is not None)
    found = index.search(query, k)
    scores = {key: cosine(vector, query) for key, vector in held.items()}
    best = sorted(scores.values(), reverse=True)[:k]
    assert len(index) == len(held)
    assert len({key for key, _ in found}) == len(found)
    assert [score for _, score in found] == pytest.approx(best, abs=1e-6)
    assert [score for _, score in found] == pytest.approx(
        [scores[key] for key, _ in found], abs=1e-6
    )


def test_many_vectors_outgrow_the_first_matrix_and_keep_their_places() -> None:
    vectors = np.random.default_rng(0).standard_normal((1000, 8))
    index = VectorIndex()
    for i, vector in enumerate(vectors):
        index.add(str(i), vector)
    for i in range(0, 1000, 2):
        index.remove(str(i))
    for i in range(1, 1000, 2):
        assert index.search(vectors[i], 1)[0][0] == str(i)


def test_equals_come_in_the_order_of_their_keys() -> None:
    index = VectorIndex()
    for key in ("c", "a", "b"):
        index.add(key, [1.0, 0.0])
    assert [key for key, _ in index.search([1.0, 0.0], 2)] == ["a", "b"]


@pytest.mark.parametrize(
    ("vector", "words"),
    [
        ([1.0, float("nan")], "number 1 of 2 in a vector is nan"),
        ([float("inf"), 1.0], "number 0 of 2 in a vector is inf"),
        ([1.0, 2.0, 3.0], "3 numbers does not fit an index of 2"),
        ([], "flat list of numbers"),
        ([[1.0, 2.0]], "flat list of numbers"),
    ],
)
def test_what_is_no_vector_is_refused_and_changes_nothing(vector, words: str) -> None:
    index = VectorIndex()
    index.add("a", [1.0, 0.0])
    with pytest.raises(ValueError, match=words):
        index.add("b", vector)
    with pytest.raises(ValueError, match=words):
        index.search(vector, 1)
    assert index.search([1.0, 0.0], 5) == [("a", 1.0)]
