"""Rewards from opponents, votes, judges, confidence, form, length and tools."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.training.advantages import mean_only
from symposia.training.rewards import (
    SRPO_BLOCKS,
    Call,
    calibrated,
    click_target,
    collective,
    comas,
    consistency,
    cosine_down,
    cosine_up,
    cross_majority,
    demy_agent,
    hindsight,
    in_order,
    judge_score,
    log_length_cost,
    majority,
    majority_vote,
    otc,
    otc_grpo,
    otc_ppo,
    overlong,
    purchase_utility,
    readable_share,
    search_cost,
    signed_zero_sum,
    spear_bonus,
    tool_star,
    toolrl,
    toolrl_format,
    win_rates,
    with_format,
    zero_sum_pair,
)


def near(value: float, places: float = 1e-3) -> object:
    return pytest.approx(value, abs=places)


@pytest.mark.parametrize(
    ("score", "shares"),
    [
        (1, (0, 1, 0)),
        (2, (0.5, 0.5, 0)),
        (3, (1, 0, 0)),
        (None, (0, 0, -1)),
        (4, (0, 0, -1)),
        (0, (0, 0, -1)),
    ],
)
def test_comas_shares_a_score_and_costs_the_scorer_an_unreadable_one(
    score: int | None, shares: tuple[float, float, float]
) -> None:
    assert comas(score) == shares


def test_spc_rewards_add_up_to_nothing() -> None:
    assert signed_zero_sum(True) == (1, -1)
    assert signed_zero_sum(False) == (-1, 1)
    assert signed_zero_sum(None) == (None, -1)
    assert zero_sum_pair(0.25) == (0.25, 0.75)
    with pytest.raises(ValueError, match="share=2"):
        zero_sum_pair(2)


def test_spo_rock_paper_scissors_teaches_nothing() -> None:
    rewards = win_rates([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert rewards == [0.5] * 3
    assert mean_only(rewards) == [0] * 3


def test_spo_a_condorcet_winner_gets_one() -> None:
    beats = [[0, 1, 1, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    assert win_rates(beats)[0] == 1
    with pytest.raises(ValueError, match=r"preferences\[0\]\[1\]=1\.5"):
        win_rates([[0, 1.5], [0, 0]])
    with pytest.raises(ValueError, match="1 response"):
        win_rates([[0]])


@given(
    st.integers(2, 5).flatmap(
        lambda k: st.lists(
            st.lists(st.floats(0, 1), min_size=k, max_size=k), min_size=k, max_size=k
        )
    )
)
def test_spo_rewards_add_up_to_half_the_count(preferences: list[list[float]]) -> None:
    assert math.fsum(win_rates(preferences)) == near(len(preferences) / 2, 1e-9)


def test_votes_of_ttrl_and_mm_upt() -> None:
    assert majority_vote([4, 4, 5, None]) == [1, 1, 0, 0]
    assert majority_vote([None, None, 5]) == [0, 0, 1]
    assert majority_vote([None, None]) == [0, 0]
    assert majority(["b", "a"]) == "b"
    assert majority([]) is None


def test_knowrl_consensus_and_its_ties() -> None:
    assert consistency([*"FFFFFFFI"]) == 0.875
    assert sum(majority_vote([*"FFFFFFFI"], ties=False)) == 7
    assert majority_vote([*"FFFFIIII"], ties=False) == [0] * 8


def test_co_reward_scores_each_side_by_the_other() -> None:
    assert cross_majority([*"AAB"], [*"BBB"]) == ([0, 0, 1], [0, 0, 0])
    assert cross_majority([*"AAB"], [None, None]) == ([0, 0, 0], [0, 0])


def test_rlccf_weighs_models_by_how_far_they_agree_with_themselves() -> None:
    models = ["AAAA", "BBCD", "BBBE"]
    assert [consistency([*model]) for model in models] == [1, 0.5, 0.75]
    assert collective([[*model] for model in models]) == "A"
    assert majority([*"".join(models)]) == "B"
    assert collective([[None]]) is None


def test_ssr_zero_scores() -> None:
    assert [judge_score(score) for score in (80, 20, None, 101, -1, math.nan)] == [
        0.8,
        0.2,
        *[0] * 4,
    ]
    with pytest.raises(ValueError, match="highest=0"):
        judge_score(1, highest=0)


def test_rlhs_hindsight_turns_the_order_of_a_lie_and_the_truth() -> None:
    looks = {"it has the feature": 1.0, "unknown": 0.0}
    came_of_it = {"it has the feature": "it lacked it", "unknown": "bought another"}
    rated = {"it lacked it": -1.0, "bought another": 1.0}
    later = hindsight(came_of_it.__getitem__, rated.__getitem__)
    assert max(looks, key=looks.__getitem__) == "it has the feature"
    assert max(looks, key=later) == "unknown"
    assert purchase_utility(10, cheapest=5) == 0.5
    assert purchase_utility(10, cheapest=None) == -1
    with pytest.raises(ValueError, match="is below cheapest"):
        purchase_utility(1, cheapest=5)


def test_hyperclick_confidence_is_best_where_it_is_true() -> None:
    box = (0.0, 0.0, 60.0, 30.0)
    assert calibrated(1, click_target(30, 15, box)) == 0
    assert click_target(61, 15, box) == 0
    assert (calibrated(1, 0), calibrated(0, 0)) == (-1, 0)
    targets = [click_target(30 + step, 15, box) for step in (0, 10, 20, 30)]
    assert targets == sorted(targets, reverse=True)
    assert targets[1] == near(math.exp(-0.5))
    assert calibrated(None, 0) == calibrated(1.5, 0) == calibrated(math.nan, 0) == -1
    with pytest.raises(ValueError, match="it has no area"):
        click_target(0, 0, (0, 0, 0, 1))


BLOCKS = (
    "<think>a</think>\n<answer>b</answer><reflection>c</reflection>"
    "<think>d</think><answer>e</answer>"
)


@pytest.mark.parametrize(
    ("text", "ordered"),
    [
        (BLOCKS, True),
        (f"  {BLOCKS}\n", True),
        (f"Well, {BLOCKS}", False),
        (f"{BLOCKS} so", False),
        (BLOCKS.replace("<reflection>c</reflection>", ""), False),
        (BLOCKS + "<answer>f</answer>", False),
        (BLOCKS.replace(">a<", "><answer>a<"), False),
        (BLOCKS.removesuffix("</answer>"), False),
        ("", False),
    ],
)
def test_srpo_form_is_exactly_its_five_blocks(text: str, ordered: bool) -> None:
    assert in_order(text, SRPO_BLOCKS) is ordered


def test_toolrl_form_follows_what_the_right_turn_has() -> None:
    both = "<think>a</think><tool_call>b</tool_call><response>c</response>"
    assert toolrl_format(both, calls=True, response=True)
    assert not toolrl_format(both, calls=True, response=False)
    assert toolrl_format("<think>a</think>", calls=False, response=False)
    assert not toolrl_format("<think><response>a</response></think>", calls=False, response=False)


def test_v_toolrl_share_of_turns_in_form() -> None:
    assert readable_share([True, True, False]) == near(2 / 3)
    with pytest.raises(ValueError, match="no turns"):
        readable_share([])


PARIS = Call("get_weather", {"city": "Paris", "unit": "C"})


@pytest.mark.parametrize(
    ("said", "gold", "reward"),
    [
        ([Call("get_weather", {"city": "Paris", "unit": "F"})], [PARIS], 1.5),
        ([Call("get_weather", {"city": "Paris"})], [PARIS], 0.75),
        ([Call("get_time", {"city": "Paris", "unit": "C"})], [PARIS], -3),
        ([PARIS], [PARIS], 3),
        (None, [PARIS], -3),
        ([], [PARIS], -3),
        ([Call("a", {"x": 1})], [Call("a", {"x": 1}), Call("b", {"y": 2})], 0),
        ([PARIS], [], 0),
    ],
)
def test_toolrl_credits_calls_in_part(
    said: list[Call] | None, gold: list[Call], reward: float
) -> None:
    assert toolrl(said, gold) == near(reward)


def test_toolrl_takes_the_best_call_that_is_still_unused() -> None:
    one, two = Call("a", {"x": 1}), Call("a", {"x": 2})
    assert toolrl([two, one], [one, two]) == 3
    assert toolrl([one, one], [one, two]) == near(6 * 4 / 5 - 3)
    assert toolrl([two, one], [one, two], highest=1) == 1


@pytest.mark.parametrize(
    ("calls", "fewest", "reward"),
    [
        (0, 0, 1),
        (1, 0, 0.5),
        (1, 1, 1),
        (2, 1, 0.866),
        (3, 1, 0.707),
        (1, 2, 0.866),
        (4, 2, 0.866),
        (0, 2, 0),
    ],
)
def test_otc_table(calls: int, fewest: int, reward: float) -> None:
    assert otc_grpo(calls, fewest) == near(reward)


def test_otc_pays_right_rollouts_only_and_remembers_the_fewest_calls() -> None:
    assert otc([0, 1, 2], [False, True, True]) == ([0, 1, near(0.866)], 1)
    assert otc([2], [True], fewest=1) == ([near(0.866)], 1)
    assert otc([0, 3], [False, False]) == ([0, 0], None)
    assert otc([0], [False], fewest=2) == ([0], 2)
    assert otc_ppo(0) == 1
    with pytest.raises(ValueError, match="calls=-1"):
        otc_ppo(-1)


@given(st.integers(1, 20), st.integers(0, 40))
def test_otc_is_greatest_at_the_fewest_calls(fewest: int, calls: int) -> None:
    assert otc_grpo(calls, fewest) <= otc_grpo(fewest, fewest) == near(1)


def test_demy_agent_softens_failures_that_tried_tools() -> None:
    found = [demy_agent(False, turns) for turns in (2, 4, 8, 10, 16)]
    assert found == near([-1, -0.9, -0.7, -0.6, -0.6])
    assert demy_agent(True, 16) == 1


def test_dapo_ramp_before_the_limit() -> None:
    found = [overlong(length, 20480, 4096) for length in (16384, 18432, 20480, 10)]
    assert found == [0, -0.5, -1, 0]
    with pytest.raises(ValueError, match="buffer=0"):
        overlong(1, 10, 0)


def test_spear_tool_bonus_leaves_and_replay_comes() -> None:
    assert [cosine_down(step, 200) for step in (0, 100, 200, 300)] == near([1, 0.5, 0, 0])
    assert [cosine_up(step, 100) for step in (0, 50, 100, 200)] == near([0, 0.5, 1, 1])
    assert spear_bonus(4, cosine_down(100, 200)) == near(0.2)
    assert spear_bonus(40, 1) == 1
    with pytest.raises(ValueError, match="steps=0"):
        cosine_up(0, 0)


def test_tool_star_hierarchy() -> None:
    assert tool_star(0.5, valid=True, all_tools=True) == 0.6
    assert tool_star(0.5, valid=True, all_tools=False) == 0.5
    assert tool_star(0, valid=True, all_tools=True) == 0
    assert tool_star(0.5, valid=False, all_tools=True) == -1


def test_deep_eyes_and_llava_critic_weigh_form() -> None:
    assert with_format(1, True, 0.8) == 1
    assert with_format(search_cost(1, searched=True), True, 0.8) == near(0.92)
    assert with_format(0, True, 0.8) == near(0.2)
    assert with_format(1, False, 0.9) == 0.9
    assert with_format(0, True, 0.9) == near(0.1)


def test_length_costs_its_logarithm() -> None:
    assert log_length_cost(1, 0.5) == 0
    assert log_length_cost(100, 0.5) == near(-0.5 * math.log(100))
    with pytest.raises(ValueError, match="length=0"):
        log_length_cost(0, 0.5)
