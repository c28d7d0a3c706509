"""Word problems and their wrong solutions."""

from __future__ import annotations

import math
import random
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from symposia.agents import Answer
from symposia.models.tiny.make import conversations as make
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
def test_a_spoilt_solution_is_wrong_in_one_step_only_and_in_its_answer(seed: int) -> None:
    _, steps, answer = make_problem(seed)
    wrong, at = spoil(steps, random.Random(seed))
    assert wrong[:at] == steps[:at]
    assert wrong[at].correction == str(steps[at]) != str(wrong[at])
    assert all(step.correction == str(step) for step in wrong[at + 1 :])
    assert len(wrong) == len(steps) and wrong[-1].result != answer
    assert all(1 <= step.result <= LARGEST for step in wrong)


@given(seeds)
def test_a_true_review_of_a_solution_works_it_out(seed: int) -> None:
    case = make.sum_case(seed, random.Random(seed))
    _, _, answer = make_problem(seed)
    assert isinstance(case.draft, Answer)
    off = abs(int(case.draft.answer) - answer)
    assert case.stands == (case.draft == case.right) == (off == 0)
    assert case.review.reasoning.endswith(f"It says {case.draft.answer}, off by {off}.")
    assert case.review.suggestion == ("" if case.stands else str(answer))
    assert case.slander.verdict != case.review.verdict


@given(seeds)
def test_reckonings_are_right(seed: int) -> None:
    asked = make.reckon(random.Random(seed))
    for question, answer in zip(asked[::2], asked[1::2], strict=True):
        assert (question.weight, answer.weight) == (make.IGNORE, make.LEARN)
        numbers = [int(number) for number in re.findall(r"\d+", question.text)][1:]
        if "off by" in question.text:
            assert int(answer.text) == abs(numbers[-1] - numbers[-2])
        else:
            exact = {
                "+": sum,
                "-": lambda n: n[0] - n[1],
                "*": math.prod,
                "/": lambda n: n[0] / n[1],
            }
            assert int(answer.text) == exact[question.text.split()[2]](numbers)
