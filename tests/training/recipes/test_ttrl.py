"""TTRL: labels by majority, and an iteration of it on `tiny`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rollouts import answered, small, stage, turn

from symposia import make_environment
from symposia.training.files import load_examples
from symposia.training.loop import train
from symposia.training.recipes.ttrl import TTRL


def group(*answers: str, task: str = "sum") -> list:
    return [answered(task, at, answer) for at, answer in enumerate(answers)]


async def test_who_agrees_with_most_others_earns() -> None:
    rewards = await TTRL().rewards(group("7", "9", "7", "", "$7.0"), stage())
    assert rewards == [1, 0, 1, 0, 1]


async def test_each_question_has_a_vote_of_its_own() -> None:
    played = [*group("7", "7", "9"), *group("9", "9", "7", task="other")]
    assert await TTRL().rewards(played, stage()) == [1, 1, 0, 1, 1, 0]


async def test_the_truth_changes_nothing() -> None:
    played = group("7", "9", "7")
    praised = [replace(e, outcome=replace(e.outcome, score=1 - e.outcome.score)) for e in played]
    assert await TTRL().rows(played, stage()) == await TTRL().rows(praised, stage())


async def test_rows_carry_the_advantages_of_the_group() -> None:
    rows = await TTRL(advantage="mean").rows(group("7", "9", "7", "7"), stage())
    assert [row.advantages[-1] for row in rows] == [0.25, -0.75, 0.25, 0.25]
    assert {row.policy for row in rows} == {"policy"}


async def test_a_question_on_which_all_agree_or_nobody_answers_teaches_nothing() -> None:
    assert await TTRL().rows(group("7", "7"), stage()) == []
    assert await TTRL().rows(group("", ""), stage()) == []


async def test_all_vote_and_the_first_are_trained() -> None:
    played = group("9", "7", "9", "7", "7")
    rows = await TTRL(trained=2, advantage="mean").rows(played, stage())
    assert [(row.episode, row.advantages[-1]) for row in rows] == [
        ("run/sum/0", -0.5),  # the later votes have it that 7 is right
        ("run/sum/1", 0.5),
    ]


async def test_a_reply_that_was_cut_off_is_compared_but_not_trained() -> None:
    played = group("7", "7")
    cut = answered("sum", 2, "", turn("cut", None, finish="length"))
    rows = await TTRL().rows([*played, cut], stage())
    assert [row.turns for row in rows] == [("sum/0",), ("sum/1",)]


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="trained=1"):
        TTRL(trained=1)
    with pytest.raises(ValueError, match="advantage='best'"):
        TTRL(advantage="best")


async def test_an_iteration_trains_on_the_majority_of_what_was_sampled(tmp_path: Path) -> None:
    environment = make_environment("arithmetic", size=8)
    out = await train(TTRL(), environment, small(), tmp_path)
    assert out.versions["policy"].name == "0001"
    rows = load_examples(tmp_path / "iterations/0000/rows/policy.npz")
    assert {sum(map(abs, row.advantages)) > 0 for row in rows} == {True}
    assert all(0 < row.trained <= 64 for row in rows)
