"""Rewards made of rewards, and their way to the turns of an episode."""

from __future__ import annotations

import math

import pytest

from symposia.episodes import Episode, Outcome, Tokens, Turn
from symposia.training import samples
from symposia.training.advantages import reinforce_pp, token_rewards, within
from symposia.training.rewards import (
    by_step,
    comas,
    everywhere,
    gated,
    per_turn,
    signs,
    summed,
    to_come,
    untruncated,
)


def turn(id: str, agent: str = "actor", *, words: int = 1, **more: object) -> Turn:
    tokens = Tokens((1,), (2,) * words, (-0.5,) * words)
    return Turn(id, agent, (), {}, tokens=tokens, model=agent, **more)


EPISODE = Episode(
    "run",
    "task",
    turns=(
        turn("a"),
        turn("b", "critic"),
        turn("c", finish="length"),
        Turn("d", "actor", (), None, error="timeout"),
    ),
    outcome=Outcome(score=0.5),
)


def test_a_sum_weighs_rewards_of_the_same_thing() -> None:
    reward = summed((lambda e: e.outcome.score, 2.0), (lambda e: float(len(e.turns)), 0.25))
    assert reward(EPISODE) == 2
    with pytest.raises(ValueError, match="at least one"):
        summed()
    with pytest.raises(ValueError, match="weight 0 is nan"):
        summed((len, math.nan))


def test_a_gate_overrides() -> None:
    reward = gated(lambda text: "ok" in text, len, otherwise=-1)
    assert (reward("ok"), reward("no")) == (2, -1)


def test_a_stage_is_in_force_until_the_next_begins() -> None:
    stage = by_step({0: "judge", 500: "help"})
    assert [stage(step) for step in (0, 499, 500, 9000)] == ["judge", "judge", "help", "help"]
    with pytest.raises(ValueError, match="step=-1"):
        stage(-1)
    with pytest.raises(ValueError, match="has to begin at 0"):
        by_step({1: "judge"})


@pytest.mark.parametrize(("sparse", "dense", "reward"), [(0, -37, -0.1), (5, 3, 1.1), (0, 0, 0)])
def test_auto_mc_reward_bounds_what_a_model_wrote(
    sparse: float, dense: float, reward: float
) -> None:
    assert signs(sparse, dense) == reward


def test_an_episode_s_value_goes_to_all_its_turns_or_to_one_agent_s() -> None:
    assert everywhere(EPISODE, 0.5) == {"a": 0.5, "b": 0.5, "c": 0.5}
    assert everywhere(EPISODE, 1, agent="critic") == {"b": 1}
    assert everywhere(EPISODE, 1, agent="nobody") == {}


def test_a_turn_without_a_reward_has_no_credit() -> None:
    credit = per_turn(lambda turn: 1.0 if turn.agent == "critic" else None)
    assert credit(EPISODE) == {"b": 1}


def test_a_turn_answers_for_what_its_agent_earns_later() -> None:
    credit = {"a": 0.5, "b": 1.0, "c": 2.0}
    assert to_come(EPISODE, credit) == {"a": 2.5, "b": 1, "c": 2}
    assert to_come(EPISODE, credit, gamma=0) == credit
    with pytest.raises(ValueError, match="task has no turn 'q'"):
        to_come(EPISODE, {"q": 1.0})


def test_branches_do_not_answer_for_each_other() -> None:
    left, right = turn("l", branch="0"), turn("r", branch="1")
    credit = {"l": 1.0, "r": 2.0}
    assert to_come(Episode("run", "task", turns=(left, right)), credit) == credit


def test_turns_cut_off_at_their_length_are_left_out() -> None:
    assert untruncated(EPISODE, everywhere(EPISODE, 1)) == {"a": 1, "b": 1}


def test_comas_from_the_record_to_rows_of_each_agent() -> None:
    """One interaction: a solver, an evaluator, and a scorer whose score is 3."""
    played = Episode(
        "run", "task", turns=(turn("s"), turn("e", "critic", words=3), turn("j", words=2))
    )
    earned = dict(zip("sej", comas(3)))
    agents = {each.id: each.agent for each in played.turns}
    lengths = {each.id: len(each.tokens.logprobs) for each in played.turns}
    rewards = [token_rewards(earned[id], [0.0] * lengths[id]) for id in earned]
    found = within(rewards, [agents[id] for id in earned], reinforce_pp)
    rows = samples(played, dict(zip(earned, found)))
    assert [row.policy for row in rows] == ["actor", "critic", "actor"]
    assert rows[0].advantages == (0, pytest.approx(math.sqrt(2)))
    assert rows[1].advantages == (0, 0, 0, 0)
    assert rows[2].advantages[1:] == pytest.approx([-math.sqrt(0.5)] * 2)
