from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.training.advantages import (
    RoleBaselines,
    gae,
    reinforce_pp,
    returns,
    rloo,
    token_returns,
    token_rewards,
    within,
)

FLOATS = st.integers(-64, 64).map(lambda n: n / 16)


def test_comas_two_samples_of_one_and_three_tokens() -> None:
    rewards = [token_rewards(1, [0.0]), token_rewards(0, [0.0] * 3)]
    one, three = reinforce_pp(rewards)
    assert one == pytest.approx([1.732], abs=1e-3)
    assert three == pytest.approx([-0.577] * 3, abs=1e-3)


def test_reinforce_pp_of_each_role_alone_leaves_a_constant_role_at_nothing() -> None:
    """CoMAS: valid scorers all earn 0, below the mean of the batch; among themselves they are
    even."""
    rewards = [[1.0], [0.0], [0.0], [0.0]]
    roles = ["solver", "solver", "scorer", "scorer"]
    together = reinforce_pp(rewards)
    apart = within(rewards, roles, reinforce_pp)
    assert together[2][0] < 0
    assert apart == [[1], [-1], [0], [0]]


def test_the_kl_is_taken_off_everywhere_and_the_reward_comes_last() -> None:
    assert token_rewards(1, [0.5, -1.0, 2.0], beta=0.5) == [-0.25, 0.5, 0.0]
    assert token_rewards(50, [0.0, 0.0]) == [0, 10]
    assert token_rewards(-50, [0.0]) == [-10]
    with pytest.raises(ValueError, match="there are no tokens"):
        token_rewards(1, [])
    with pytest.raises(ValueError, match="KL of token 1 is nan"):
        token_rewards(1, [0.0, math.nan])


def test_leave_one_out_per_token_with_the_kl_in_the_reward() -> None:
    values = rloo([1, 0])
    assert token_returns(values, [[0.0, 0.0], [0.0]]) == [[1, 1], [-1]]
    assert token_returns(values, [[1.0, 2.0], [0.0]], beta=0.25) == [[0.25, 0.5], [-1]]
    with pytest.raises(ValueError, match="2 values, but 1 completions"):
        token_returns(values, [[0.0]])


def test_gamma_says_how_far_a_turn_looks() -> None:
    rewards = [-0.6, 0.3, 1.0]
    assert returns(rewards, 0) == rewards
    assert returns(rewards)[0] == pytest.approx(0.7)
    assert returns([0, 0, 4], 0.5) == [1, 2, 4]
    with pytest.raises(ValueError, match="gamma=2"):
        returns(rewards, 2)


def test_spiral_reads_a_role_s_baseline_before_it_moves() -> None:
    roles = RoleBaselines()
    assert roles.advantages([1], ["kuhn/0"]) == [1]
    assert roles.baselines == {"kuhn/0": pytest.approx(0.05)}
    assert roles.advantages([1, -1], ["kuhn/0"] * 2) == pytest.approx([0.95, -1.0975])
    assert roles.baselines["kuhn/0"] == pytest.approx(0.0426, abs=1e-4)
    assert "kuhn/1" not in roles.baselines
    assert RoleBaselines(baselines=dict(roles.baselines)) == roles
    assert RoleBaselines().advantages([0, 0], ["a", "b"]) == [0, 0]


def test_a_bad_reward_moves_no_baseline() -> None:
    roles = RoleBaselines()
    with pytest.raises(ValueError, match="reward 1 is nan"):
        roles.advantages([1, math.nan], ["a", "a"])
    assert roles.baselines == {}
    with pytest.raises(ValueError, match="decay"):
        RoleBaselines(1.5)


def test_gae_by_hand() -> None:
    advantages, targets = gae([0, 1], [0.5, 0.25], gamma=0.5, lam=0.5)
    assert advantages == [0.125 - 0.5 + 0.25 * 0.75, 0.75]
    assert targets == [advantages[0] + 0.5, 1.0]
    assert gae([0], [0.5], after=1)[0] == [0.5]
    with pytest.raises(ValueError, match="1 values, but 2 rewards"):
        gae([0, 1], [0])


@given(st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=8), st.sampled_from([0.5, 1.0]))
def test_gae_at_its_ends_is_monte_carlo_and_one_step(
    drawn: list[tuple[float, float]], gamma: float
) -> None:
    rewards, values = [r for r, _ in drawn], [v for _, v in drawn]
    assert gae(rewards, values, gamma=gamma)[1] == pytest.approx(returns(rewards, gamma), abs=1e-9)
    ahead = [*values[1:], 0.0]
    one_step = [r + gamma * a - v for r, a, v in zip(rewards, ahead, values)]
    assert gae(rewards, values, gamma=gamma, lam=0)[0] == pytest.approx(one_step)


@given(
    st.lists(st.lists(FLOATS, min_size=1, max_size=4), min_size=1, max_size=5),
    st.sampled_from([0.5, 1.0, 4.0]),
)
def test_reinforce_pp_is_standardised_over_all_tokens(
    rewards: list[list[float]], scale: float
) -> None:
    found = reinforce_pp(rewards)
    flat = [value for each in found for value in each]
    assert math.fsum(flat) == pytest.approx(0, abs=1e-6)
    if any(flat):
        assert math.fsum(value**2 for value in flat) / len(flat) == pytest.approx(1, abs=1e-6)
    scaled = reinforce_pp([[value * scale for value in each] for each in rewards])
    for one, other in zip(found, scaled):
        assert one == pytest.approx(other, abs=1e-6)


def test_reinforce_pp_needs_tokens() -> None:
    with pytest.raises(ValueError, match="no completions"):
        reinforce_pp([])
    with pytest.raises(ValueError, match="no tokens in a completion"):
        reinforce_pp([[1.0], []])
    assert reinforce_pp([[0.0], [0.0, 0.0]]) == [[0], [0, 0]]
