from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.training import Row
from symposia.training.curricula import Replay, earlier_rows
from symposia.training.loop import Stage


def row(id: int, **extras: float) -> Row:
    return Row((0, id), (False, True), policy="policy", extras=extras)


def stage(iteration: int, past: dict[int, list[Row]] | None = None, seed: int = 0) -> Stage:
    return Stage(
        iteration,
        9,
        (),
        1,
        seed,
        past=None if past is None else lambda at, policy: past.get(at, []),
    )


def test_the_oldest_are_forgotten_first() -> None:
    items = [(0, "a"), (1, "b"), (2, "c")]
    assert Replay(capacity=2).held(items, now=3) == [(1, "b"), (2, "c")]
    assert Replay(capacity=9, max_age=2).held(items, now=3) == [(1, "b"), (2, "c")]
    assert Replay(capacity=9, max_age=1).held(items, now=9) == []


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers())),
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(0, 9),
    st.integers(),
)
def test_what_is_drawn_is_remembered_and_depends_on_the_seed_alone(
    items: list[tuple[int, int]], capacity: int, age: int, count: int, seed: int
) -> None:
    buffer = Replay(capacity, age)
    drawn = buffer.drawn(items, 9, count, random.Random(seed))
    assert drawn == buffer.drawn(items, 9, count, random.Random(seed))
    held = buffer.held(items, 9)
    assert len(held) <= capacity and len(drawn) == min(count, len(held))
    assert all(9 - born <= age for born, _ in held)
    for each in drawn:
        assert drawn.count(each) <= held.count(each) <= items.count(each)


def test_rows_of_earlier_iterations_come_with_their_age_and_are_remembered_once() -> None:
    past = {0: [row(1), row(2)], 1: [row(3), row(1, age=1.0)]}
    assert [(born, each.ids[1]) for born, each in earlier_rows(stage(2, past), "policy")] == [
        (0, 1),
        (0, 2),
        (1, 3),
    ]
    drawn = Replay(capacity=9).rows(stage(2, past), "policy", 9)
    assert {(each.ids[1], each.extras["age"]) for each in drawn} == {(1, 2.0), (2, 2.0), (3, 1.0)}
    assert Replay(capacity=1).rows(stage(2, past), "policy", 9)[0].ids == (0, 3)
    assert Replay(capacity=9).rows(stage(0, past), "policy", 9) == []


def test_a_buffer_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity=0"):
        Replay(0)
    with pytest.raises(ValueError, match="max_age=0"):
        Replay(1, 0)
    with pytest.raises(ValueError, match="item of iteration 5 is in the buffer of iteration 3"):
        Replay(1).held([(5, "a")], 3)
    with pytest.raises(ValueError, match="no past"):
        earlier_rows(stage(1), "policy")
