from __future__ import annotations

from itertools import compress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.training.builders import above, capped, distinct, filled


def test_what_equals_the_threshold_is_not_above_it() -> None:
    assert above([0.2, 0.5, 0.7], 0.5) == [False, False, True]


def test_the_first_of_equals_is_kept() -> None:
    assert distinct(["a", "b", "a", "b", "c"]) == [True, True, False, False, True]


def test_of_each_group_the_first_or_the_best_items_are_kept() -> None:
    groups = ["a", "a", "b", "a"]
    assert capped(groups, 2) == [True, True, True, False]
    assert capped(groups, 1, worth=[0.1, 0.9, 0.0, 0.9]) == [False, True, True, False]


def test_a_group_may_be_a_task_and_an_agent() -> None:
    assert capped([("t", "actor"), ("t", "critic"), ("t", "actor")], 1) == [True, True, False]


def test_the_cap_rises_until_the_target_is_reached() -> None:
    groups = ["a"] * 5 + ["b"] * 2
    assert filled(groups, 2) == [True, False, False, False, False, True, False]
    assert filled(groups, 3) == [True, True, False, False, False, True, True]
    assert sum(filled(groups, 6)) == 6
    assert all(filled(groups, 99))
    assert sum(filled(groups, 99, most=3)) == 5


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9))), st.integers(1, 20))
def test_no_group_is_drawn_on_more_than_the_others_could_bear(
    items: list[tuple[str, int]], target: int
) -> None:
    groups = [group for group, _ in items]
    kept = list(compress(groups, filled(groups, target, [worth for _, worth in items])))
    assert len(kept) >= min(target, len(items))
    for group in set(groups):
        others = max((kept.count(other) for other in set(groups) - {group}), default=0)
        assert kept.count(group) == groups.count(group) or kept.count(group) >= others


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: capped(["a"], 0), "cap=0"),
        (lambda: filled(["a"], 0), "target=0"),
        (lambda: filled(["a"], 1, most=0), "most=0"),
        (lambda: capped(["a"], 1, worth=[]), "0 worths, but 1 items"),
        (lambda: capped(["a"], 1, worth=[float("nan")]), "worth 0 is nan"),
        (lambda: above([1.0], float("inf")), "threshold 0 is inf"),
    ],
)
def test_what_makes_no_sense_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
