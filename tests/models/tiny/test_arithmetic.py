"""Word problems and their wrong solutions."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from symposia.models.tiny.make.arithmetic import LARGEST, make_problem, spoil

seeds = st.integers(min_value=0, max_value=10**9)


@given(seeds)
def test_a_seed_always_gives_the_same_problem(seed: int) -> None:
    assert make_problem(seed) == make_problem(seed)


@given(seeds)
def test_each_step_is_right_and_starts_from_the_last_result(seed: int) -> None:
    question, steps, answer = make_problem(seed)
    assert 1 <= len(steps) <= 3
    assert str(steps[0].left) in question
    assert answer == steps[-1].result
    for step in steps:
        left, right = step.left, step.right
        exact = {"+": left + right, "-": left - right, "*": left * right, "/": left / right}
        assert step.result == exact[step.operator]
        assert 1 <= step.result <= LARGEST
    for before, after in pairwise(steps):
        assert after.left == before.result


@given(seeds)
def test_a_spoilt_solution_is_right_up_to_the_named_step(seed: int) -> None:
    _, steps, _ = make_problem(seed)
    wrong, at = spoil(steps, random.Random(seed))
    assert wrong[:at] == steps[:at]
    assert wrong[at].result != steps[at].result
    assert wrong[at].correction == str(steps[at])
