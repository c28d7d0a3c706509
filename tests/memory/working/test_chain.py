from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.memory.working import Chain


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_each_row_of_chances_to_end_adds_up_to_one(states: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    shares = draw.random((states, states + 2)) + 0.01
    shares /= shares.sum(axis=1, keepdims=True)
    chain = Chain(tuple(map(str, range(states))), shares[:, :states], shares[:, states:])
    assert chain.absorbed.sum(axis=1) == pytest.approx(np.ones(states))
    assert chain.absorbed == pytest.approx(shares[:, :states] @ chain.absorbed + shares[:, states:])
    assert ((chain.reach >= 0) & (chain.reach <= 1 + 1e-9)).all()


def test_the_chance_to_reach_a_state_is_not_its_expected_visits() -> None:
    chain = Chain(("a", "b"), [[0, 1], [0.5, 0]], np.array([[0, 0], [0.5, 0]]))
    assert chain.visits[0] == pytest.approx([2, 2])
    assert chain.reach[0] == pytest.approx([1, 1])
    assert chain.reach[1] == pytest.approx([0.5, 1])


@pytest.mark.parametrize(
    ("onwards", "ends", "wrong"),
    [
        ([[0.0, 0.5], [0.0, 0.0]], [[0.4, 0.0], [0.5, 0.5]], "from 'a' add up to 0.9, not to 1"),
        ([[0.0, 0.6], [0.0, 0.0]], [[0.6, 0.0], [0.5, 0.5]], "from 'a' add up to 1.2"),
        ([[0.0, -0.5], [0.0, 0.0]], [[1.0, 0.5], [0.5, 0.5]], r"from 'a' are not all in \[0, 1\]"),
        ([[0, float("nan")], [0, 0]], [[1, 0], [1, 0]], r"from 'a' are not all in \[0, 1\]"),
        ([[0.0, 1.0], [1.0, 0.0]], [[0, 0], [0, 0]], "the state 'a' never ends"),
        ([[0.0, 0.0], [0.0, 1.0]], [[1, 0], [0, 0]], "the state 'b' never ends"),
        ([[0.0, 1.0]], [[0, 0]], r"need chances of shapes \(2, 2\) and \(2, 2\)"),
    ],
)
def test_chances_that_make_no_chain_are_refused_by_state(
    onwards: object, ends: object, wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong):
        Chain(("a", "b"), onwards, ends)  # type: ignore[arg-type]


def test_a_state_stands_once() -> None:
    with pytest.raises(ValueError, match="the state 'a' stands more than once"):
        Chain(("a", "a"), np.zeros((2, 2)), np.array([[1, 0], [1, 0]]))
    with pytest.raises(KeyError, match="no state 'z'"):
        Chain(("a",), np.zeros((1, 1)), np.array([[1, 0]])).place("z")
