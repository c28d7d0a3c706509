from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.graphs.similar import edit_distance, likeness

texts = st.text("abc", max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "distance"), [("", "abc", 3), ("kitten", "sitting", 3), ("a", "a", 0)]
)
def test_edit_distances(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == distance


@given(texts, texts, texts)
def test_edit_distance_is_a_metric(one: str, other: str, third: str) -> None:
    assert edit_distance(one, other) == edit_distance(other, one)
    assert (edit_distance(one, other) == 0) is (one == other)
    assert edit_distance(one, third) <= edit_distance(one, other) + edit_distance(other, third)


@given(texts, texts)
def test_likeness_lies_between_nothing_shared_and_the_same(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, one) == 1
