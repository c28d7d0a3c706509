from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.training.builders import evenly, role_mix


def test_a_few_are_taken_from_the_first_groups() -> None:
    assert evenly([8] * 4, 2) == [1, 1, 0, 0]
    assert evenly([8] * 4, 9) == [3, 2, 2, 2]


def test_what_a_small_group_lacks_the_others_make_up_for() -> None:
    assert evenly([1, 8, 0, 8], 9) == [1, 4, 0, 4]
    assert evenly([1, 2], 9) == [1, 2]
    assert evenly([], 3) == []


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(0, 60))
def test_no_group_gives_more_than_it_has_nor_two_more_than_another(
    sizes: list[int], total: int
) -> None:
    taken = evenly(sizes, total)
    assert sum(taken) == min(total, sum(sizes))
    assert all(count <= size for count, size in zip(taken, sizes, strict=True))
    full = max(taken, default=0)
    assert all(count >= min(size, full - 1) for count, size in zip(taken, sizes, strict=True))


def test_a_share_of_a_batch_is_of_another_role() -> None:
    mixed = role_mix(["code"] * 10, ["critique a", "critique b", "c"], 0.2, random.Random(0))
    assert len(mixed) == 10
    assert [each for each in mixed if each != "code"] == ["critique a", "critique b"]
    assert role_mix([1, 2], [], 0, random.Random(0)) == [1, 2]


def test_what_cannot_be_mixed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"share=0.5 of 4 are 2, and there are 1"):
        role_mix([1, 2, 3, 4], [9], 0.5, random.Random(0))
    with pytest.raises(ValueError, match="share=2"):
        role_mix([1], [9], 2, random.Random(0))
    with pytest.raises(ValueError, match="must not be negative"):
        evenly([3], -1)
