"""Rewards for answers, verdicts, second attempts and critiques, with the figures of the papers."""

from __future__ import annotations

import math

import pytest

from symposia.training.rewards import (
    COUNTDOWN,
    CRITIQUE_RL,
    CRITIQUE_RL_CORRECT,
    CRITIQUE_RL_DELTA,
    PLAIN,
    RELIFT,
    RISE,
    SRPO,
    Outcomes,
    against_margin,
    against_quality,
    code_rl,
    convex,
    critique_rl,
    improvement,
    length_bell,
    passed_tests,
    progress,
    refcritic,
    refinement_success,
    reflexicoder,
    reseek,
    satori,
    strict_best,
    ufo,
    verdict_match,
)
from symposia.training.rewards.attempts import reflection_weight


def near(value: float, places: float = 1e-4) -> object:
    return pytest.approx(value, abs=places)


@pytest.mark.parametrize(
    ("table", "right", "wrong", "missing"),
    [
        (PLAIN, 1, 0, 0),
        (RISE, 1, -0.5, -1),
        (CRITIQUE_RL, 1, -1, -1),
        (COUNTDOWN, 1, 0.1, 0),
        (RELIFT, 1, 0, -1),
    ],
)
def test_outcome_tables(table: Outcomes, right: float, wrong: float, missing: float) -> None:
    assert (table(True), table(False), table(None)) == (right, wrong, missing)


def test_a_table_holds_finite_rewards() -> None:
    with pytest.raises(ValueError, match="reward 1 is nan"):
        Outcomes(1, math.nan, 0)


def test_code_rl_compares_with_the_greedy_program() -> None:
    assert 0.8 * code_rl("failed", "compile error") == near(0.56)
    assert 0.8 * code_rl("passed", "failed") == near(1.04)
    assert code_rl("failed", "failed") == 0
    with pytest.raises(ValueError, match="'crashed': choose one of compile error"):
        code_rl("crashed", "failed")


def test_loop_return_is_not_below_nothing() -> None:
    assert passed_tests(3, 4) == 0.75
    assert passed_tests(1, 4, penalty=0.5) == 0
    with pytest.raises(ValueError, match="5 of 4 tests"):
        passed_tests(5, 4)
    with pytest.raises(ValueError, match="penalty=nan"):
        passed_tests(1, 4, penalty=math.nan)


def test_rise_verifier_is_scored_by_the_rating_that_the_solution_earned() -> None:
    earned = RISE(False)
    assert verdict_match(-0.5, earned, RISE) == 1
    assert verdict_match(1, earned, RISE) == -0.5
    assert verdict_match(None, earned, RISE) == -1


def test_critique_coder_verdicts() -> None:
    assert [verdict_match(said, False) for said in (False, True, None)] == [1, 0, 0]


def test_deep_critic_names_the_first_wrong_step() -> None:
    assert verdict_match(3, 3) == 1
    assert verdict_match(-1, 3) == 0


def test_reseek_judgements() -> None:
    found = reseek([True, True], [False, True])
    assert found == [-0.6, 0.3]
    assert sum(found) + 1 == near(0.7)
    assert reseek([False, False], [True, False]) == [-0.3, 0.3]
    with pytest.raises(ValueError, match="1 judgements, but 0 ideal"):
        reseek([True], [])


def test_spct_wants_the_best_strictly_above_all_others() -> None:
    assert strict_best([7, 9, 8], 1) == 1
    assert strict_best([9, 9, 8], 1) == -1
    assert strict_best(None, 1) == -1
    with pytest.raises(ValueError, match="best=3 of 3"):
        strict_best([1, 2, 3], 3)


@pytest.mark.parametrize(
    ("first", "second", "srpo", "delta", "correct"),
    [
        (False, True, 1, 1, 1),
        (True, True, 0.75, 0, 0.2),
        (True, False, 0.25, -1, 0),
        (False, False, 0, 0, 0),
    ],
)
def test_transition_tables(
    first: bool, second: bool, srpo: float, delta: float, correct: float
) -> None:
    assert SRPO(first, second) == srpo
    assert CRITIQUE_RL_DELTA(first, second) == delta
    assert CRITIQUE_RL_CORRECT(first, second) == correct


def test_srpo_of_a_fixed_answer_with_perfect_form_and_length() -> None:
    assert 0.1 * length_bell(200, target=200, limit=250) == near(0.1)
    assert 0.1 * length_bell(250, target=200, limit=250) == near(0.0368)
    assert SRPO(False, True) + 0.5 + 0.1 * length_bell(200, 200, 250) == near(1.6)


@pytest.mark.parametrize(
    ("first", "second", "shaped"), [(1, 0, -10), (0, 1, 11), (1, 1, 1), (0, 0, 0)]
)
def test_score_shapes_the_second_attempt_only(first: int, second: int, shaped: int) -> None:
    assert improvement(first, second) == (first, shaped)


@pytest.mark.parametrize(
    ("right", "began", "reward"),
    [
        (True, None, 0.5),
        (False, None, -0.5),
        (True, False, 1.0),
        (False, False, -0.5),
        (True, True, 0.5),
        (False, True, -1.0),
    ],
)
def test_satori_restarts(right: bool, began: bool | None, reward: float) -> None:
    assert satori(0.0, right, began) == reward
    assert satori(-1000.0, right, began) == near(reward - 0.5)
    assert satori(1000.0, right, began) == near(reward + 0.5)


def test_shaping_by_earlier_rewards() -> None:
    assert against_quality(1, [1, 0]) == 1.25
    assert against_quality(0, [1, 0]) == -0.25
    assert against_margin(1, [0.5]) == 1.25
    with pytest.raises(ValueError, match="no earlier rewards"):
        against_margin(1, [])


def test_critique_rl_second_stage() -> None:
    assert critique_rl(1, verdict_right=True) == 1.2
    assert critique_rl(1, verdict_right=False) == -1
    assert critique_rl(1, verdict_right=None) == -1
    assert critique_rl(0, verdict_right=True) == 0.2


def test_refcritic_joins_verdict_and_refinement() -> None:
    success = refinement_success([1, 1, 1, 0])
    assert refcritic(True, success, 1) == 0.875
    assert refcritic(True, success, 0) == 1
    assert refcritic(False, success, 1) == refcritic(None, success, 1) == 0
    assert convex(1, 0.75, 1) == 0.875
    with pytest.raises(ValueError, match="weight=-1"):
        convex(1, 0, -1)
    with pytest.raises(ValueError, match="no refinements"):
        refinement_success([])


@pytest.mark.parametrize(
    ("answers", "reward"),
    [
        ([3, 3, 4], 0.25 - 0.5 / 3),
        ([3, 5, 4], 0.25),
        ([4], 1),
        ([1] * 5, -0.4),
        ([None, 4], 0.9),
        ([None], -0.1),
        ([], 0),
    ],
)
def test_ufo_decays_and_counts_repetition(answers: list[int | None], reward: float) -> None:
    assert ufo(answers, 4) == near(reward)


def test_spa_places_progress_at_each_turn() -> None:
    assert progress([0.2, 0.3, 0.5], [True, False, True]) == near([0.7, 0.3, 1.0])
    with pytest.raises(ValueError, match="2 contributions, but 1 turns"):
        progress([0.2, 0.3], [True])


@pytest.mark.parametrize(
    ("scores", "reward"),
    [
        ([0, 1], 3.75),
        ([1, 1], 2.5125),
        ([0, 0], 0.75),
        ([1, 0], -0.25),
        ([1, 1, 1], 2.0125),
        ([1], 0),
        ([], 0),
    ],
)
def test_reflexicoder_totals(scores: list[float], reward: float) -> None:
    assert reflexicoder(scores) == near(reward)
    assert reflexicoder(scores, formatted=False) == 0


def test_reflexicoder_weighs_how_often_it_reflected() -> None:
    found = [reflection_weight(n) for n in (0, 1, 5, 6, 7)]
    assert found == near([0, 1, 1, 0.498305, 0.314896], 1e-6)
