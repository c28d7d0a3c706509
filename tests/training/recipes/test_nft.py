"""NFT: rows of right and wrong answers, the loss's slopes, and an iteration on `tiny`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rollouts import answered, small, stage

from symposia import make_environment
from symposia.training.loop import train
from symposia.training.recipes.nft import NFT
from symposia.training.trainer.batch import Batch, collate
from symposia.training.trainer.lines import unit


def group(*scores: float, task: str = "sum") -> list:
    return [answered(task, at, "7", score=score) for at, score in enumerate(scores)]


async def test_every_answer_is_a_row_with_the_share_of_right_ones() -> None:
    rows = await NFT().rows(group(1, 0, 0, 0), stage())
    assert [row.extras for row in rows] == [
        {"right": right, "share_right": 0.25} for right in (1, 0, 0, 0)
    ]


async def test_questions_that_are_always_or_never_solved_are_left_out() -> None:
    played = [*group(1, 1), *group(0, 0, task="hard"), *group(0, 1, task="good")]
    rows = await NFT().rows(played, stage())
    assert {row.group for row in rows} == {"good"}


@pytest.mark.parametrize(
    ("weight", "slopes"), [("dr_grpo", (-0.75, 0.25)), ("grpo", (-1.7321, 0.5774))]
)
async def test_on_its_own_samples_the_slopes_are_those_of_the_card(weight, slopes) -> None:
    rows = await NFT(prompt_weight=weight).rows(group(1, 0, 0, 0), stage())
    batch = Batch(**collate([[unit(row) for row in rows]])["batch"])
    logprobs = batch.old_logprobs.clone().requires_grad_()
    loss, _ = NFT(prompt_weight=weight).objective("policy", stage())(logprobs, batch)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    # the ratio is 1, so a slope by it is one by its logarithm; the mean is over 8 tokens
    assert (8 * logprobs.grad[:2, 0]).tolist() == pytest.approx(slopes, abs=1e-4)


async def test_without_weight_wrong_answers_pull_nothing() -> None:
    rows = await NFT().rows(group(1, 0), stage())
    batch = Batch(**collate([[unit(row) for row in rows]])["batch"])
    logprobs = batch.old_logprobs.clone().requires_grad_()
    loss, _ = NFT(negative_weight=0.0).objective("policy", stage())(logprobs, batch)
    loss.backward()
    assert torch.all(logprobs.grad[0] < 0) and torch.all(logprobs.grad[1] == 0)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="negative_weight=-1"):
        NFT(negative_weight=-1)
    with pytest.raises(ValueError, match="prompt_weight='all'"):
        NFT(prompt_weight="all")


async def test_an_iteration_trains_on_right_and_wrong_answers(tmp_path: Path) -> None:
    measures = []
    out = await train(
        NFT(),
        make_environment("arithmetic", size=8),
        small(),
        tmp_path,
        heard=lambda arrow, iteration, told: measures.append((arrow, told)),
    )
    assert out.versions["policy"].name == "0001"
    (update,) = [told for arrow, told in measures if arrow == "update"]
    assert update["ratio"] == pytest.approx(1, abs=1e-3)  # one step from its own samples
