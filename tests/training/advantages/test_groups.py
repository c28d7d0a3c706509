from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.training.advantages import (
    above_mean_of,
    above_percentile_of,
    all_are,
    batch_scaled,
    grpo,
    in_band,
    masked_sum,
    mean_only,
    mixed,
    rloo,
    standardised_sum,
    stepwise,
    substantial,
    widest,
    within,
)

ESTIMATORS = [grpo, mean_only, rloo]
REWARDS = st.lists(st.integers(-64, 64).map(lambda n: n / 16), min_size=2, max_size=8)


def near(values: Sequence[float], places: float = 1e-3) -> object:
    return pytest.approx(list(values), abs=places)


def test_openthinkimg_group_of_two_right_and_two_wrong() -> None:
    assert grpo([1, 0, 0, 1]) == near([0.866, -0.866, -0.866, 0.866])


def test_nft_prompt_with_a_quarter_right() -> None:
    assert mean_only([1, 0, 0, 0]) == [0.75, -0.25, -0.25, -0.25]
    assert grpo([1, 0, 0, 0], unbiased=False, epsilon=0) == near([1.732, -0.577, -0.577, -0.577])


def test_critique_grpo_group_saved_by_one_refinement() -> None:
    assert mean_only([1, *[0] * 7]) == [0.875, *[-0.125] * 7]


def test_critique_rl_group() -> None:
    assert rloo([1.2, 1.2, -1, 0.2])[0] == pytest.approx(1.0667, abs=1e-4)


def test_lite_ppo_scales_all_groups_by_the_batchs_deviation() -> None:
    found = batch_scaled([1, 0, 0.5, 0.5], ["a", "a", "b", "b"], epsilon=0)
    assert found == near([1.2247, -1.2247, 0, 0])
    assert batch_scaled([], []) == []
    assert batch_scaled([1, 1], ["a", "b"]) == [0, 0]


def test_spoc_messages() -> None:
    assert rloo([1, 0, 0, 1]) == near([2 / 3, -2 / 3, -2 / 3, 2 / 3])


def test_soar_teachers() -> None:
    found = rloo([0.03125, 0, 0, 0.03125])
    assert found == near([0.0208333, -0.0208333, -0.0208333, 0.0208333], 1e-7)


def test_loop_returns_and_what_is_dropped() -> None:
    found = rloo([1, 0, 0.5, 0.5])
    assert found == near([2 / 3, -2 / 3, 0, 0])
    assert substantial(found) == [True, True, False, False]
    assert substantial([0.01, -0.0099]) == [True, False]


def test_slim_streams_do_not_rule_by_their_scale() -> None:
    one, two = [1.0, 2.0, 3.0], [300.0, 200.0, 100.0]
    assert standardised_sum([one, two]) == near([0, 0, 0])
    assert standardised_sum([[a + b for a, b in zip(one, two)]]) == near([1.2247, 0, -1.2247])
    assert standardised_sum([one, two], [2, 1]) == near([-1.2247, 0, 1.2247])
    assert standardised_sum([one, [v * 1000 for v in two]], [2, 1]) == near([-1.2247, 0, 1.2247])
    with pytest.raises(ValueError, match="1 weights, but 2 streams"):
        standardised_sum([one, two], [1])


def test_toolpo_adds_the_action_on_its_tokens() -> None:
    success, action = mean_only([1, 0]), mean_only([0, 1])
    marks = [False, True]
    assert masked_sum(success[0], action[0], marks) == [0.5, 0]
    assert masked_sum(success[1], action[1], marks) == [-0.5, 0]


def test_rltf_second_attempts_against_first_ones() -> None:
    first, second = [1, 0, 0, 0], [1, 1, 1]
    assert above_mean_of(first, second) == [0.75, 0.75, 0.75]
    turns = [[1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    found = stepwise(turns, ["p"] * 4, gamma=0.1)
    assert [each[0] for each in found] == near([0.675, -0.225, -0.225, -0.225])
    assert [each[1] for each in found[1:]] == [0, 0, 0]


def test_spear_measures_replayed_rewards_again() -> None:
    assert above_percentile_of([0.2, 0.4, 0.9], [1.0, 0.3]) == near([0.6, -0.1])
    assert above_percentile_of([0, 1], [1.0], percentile=25) == [0.75]
    with pytest.raises(ValueError, match="no earlier rewards"):
        above_percentile_of([], [1.0])


def test_turns_in_the_same_state_are_compared_wherever_they_stand() -> None:
    states = [["hall", "desk"], ["desk"], ["hall", "roof"]]
    found = stepwise([[0, 1], [0], [0, 0]], ["task"] * 3, states=states)
    assert found == [[0.5, 0.5], [-0.5], [-0.5, 0]]
    apart = stepwise([[0, 1], [0], [0, 0]], ["a", "b", "c"], states=states)
    assert apart == [[0, 0], [0], [0, 0]]


def test_groups_are_compared_apart_and_keep_their_places() -> None:
    assert within([1, 5, 0, 7], ["a", "b", "a", "b"], mean_only) == [0.5, -1, -0.5, 1]
    with pytest.raises(ValueError, match="group 'b': 1 reward: at least 2"):
        within([1, 0, 1], ["a", "a", "b"], rloo)
    with pytest.raises(ValueError, match="1 groups, but 2 values"):
        within([1, 0], ["a"], rloo)


def test_filters_say_of_every_rollout_whether_it_is_kept() -> None:
    groups = [*"aabbcc"]
    rewards = [1, 1, 0, 1, 0, 0]
    assert mixed(rewards, groups) == [False, False, True, True, False, False]
    assert in_band(rewards, groups, 0.1, 0.9) == mixed(rewards, groups)
    assert in_band(rewards, groups, 0.5, 1) == [True] * 4 + [False] * 2
    with pytest.raises(ValueError, match="nothing between"):
        in_band(rewards, groups, 0.9, 0.1)
    with pytest.raises(ValueError, match="share"):
        widest(rewards, groups, 1.5)


def test_the_filters_of_spear_and_ufo_keep_the_groups_that_spread_the_most() -> None:
    rewards = [0, 1, 0, 4, 0, 2, 0, 3]
    groups = [*"aabbccdd"]
    assert widest(rewards, groups, 0.75) == [False] * 2 + [True] * 6
    assert widest(rewards, groups, 0.25) == [False] * 2 + [True] * 2 + [False] * 4


@pytest.mark.parametrize(
    ("rewards", "kept"),
    [([0] * 8, True), ([0] * 7 + [1], False), ([-1] * 8, False), ([0, -1], False)],
)
def test_relift_puts_aside_questions_that_were_answered_wrongly_in_form(
    rewards: list[float], kept: bool
) -> None:
    assert all_are(0, rewards, ["q"] * len(rewards)) == [kept] * len(rewards)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_equal_rewards_teach_nothing(estimator) -> None:
    assert estimator([0.1] * 3) == [0.0] * 3


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_bad_rewards_are_named(estimator) -> None:
    with pytest.raises(ValueError, match="reward 1 is nan"):
        estimator([0.0, math.nan])
    with pytest.raises(ValueError, match="there are no rewards"):
        estimator([])


@pytest.mark.parametrize("estimator", ESTIMATORS)
@given(rewards=REWARDS, shift=st.integers(-8, 8))
def test_advantages_add_up_to_nothing_and_do_not_change_with_a_shift(
    estimator, rewards: list[float], shift: int
) -> None:
    found = estimator(rewards)
    assert math.fsum(found) == pytest.approx(0, abs=1e-9)
    assert estimator([reward + shift for reward in rewards]) == near(found, 1e-9)


@given(rewards=REWARDS, scale=st.sampled_from([0.25, 3.0, 8.0]))
def test_scaled_rewards_scale_advantages_unless_they_are_standardised(
    rewards: list[float], scale: float
) -> None:
    scaled = [reward * scale for reward in rewards]
    for estimator in (mean_only, rloo):
        assert estimator(scaled) == near([a * scale for a in estimator(rewards)], 1e-9)
    assert grpo(scaled, epsilon=0) == near(grpo(rewards, epsilon=0), 1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@given(data=st.data(), rewards=REWARDS)
def test_the_order_of_a_group_does_not_matter(estimator, data, rewards: list[float]) -> None:
    order = data.draw(st.permutations(range(len(rewards))))
    found = estimator(rewards)
    assert estimator([rewards[i] for i in order]) == [found[i] for i in order]
