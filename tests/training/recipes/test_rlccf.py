"""RLCCF: the weighted vote, groups of one model each, and an iteration of two adapters."""

from __future__ import annotations

from pathlib import Path

import pytest
from rollouts import answered, small, stage, turn

from symposia import make_environment
from symposia.training.loop import train
from symposia.training.recipes.rlccf import RLCCF
from symposia.training.trainer import UpdateSettings
from symposia.training.trainer.policy import LoRA


def crowd(*answers: str) -> list:
    """Episodes of one question; of each model its answers, letter by letter, `-` unreadable."""
    return [
        answered(
            "sum",
            attempt,
            "",
            *(
                turn(f"{model}/{attempt}", None if said == "-" else said, agent=f"model-{model}")
                for model, said in enumerate(each)
            ),
        )
        for attempt, each in enumerate(zip(*answers, strict=True))
    ]


async def test_who_agrees_with_itself_outweighs_who_is_more() -> None:
    # A has 4 votes of weight 1; B has 5 votes, of weight 2 * 0.5 + 3 * 0.75
    rows = await RLCCF(models=3).rows(crowd("AAAA", "BBCA", "BBBA"), stage())
    earned = {row.turns[0]: row.advantages[-1] > 0 for row in rows}
    assert earned == {
        **{f"1/{at}": at == 3 for at in range(4)},
        **{f"2/{at}": at == 3 for at in range(4)},
    }


async def test_a_model_is_compared_with_itself_and_trains_itself() -> None:
    rows = await RLCCF(models=2).rows(crowd("AAAB", "ABAA"), stage())
    assert [row.policy for row in rows] == ["model-0"] * 4 + ["model-1"] * 4
    for policy in ("model-0", "model-1"):
        assert sum(r.advantages[-1] for r in rows if r.policy == policy) == pytest.approx(0)


async def test_where_nobody_answers_nobody_learns() -> None:
    assert await RLCCF(models=2).rows(crowd("--", "--"), stage()) == []


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="models=1"):
        RLCCF(models=1)
    with pytest.raises(ValueError, match="attempts=1"):
        RLCCF().collection(stage(attempts=1))


async def test_an_iteration_trains_every_model_on_its_own_rows(tmp_path: Path) -> None:
    plan = small(lora=LoRA(), update=UpdateSettings(1e-3, device="cpu"))
    out = await train(RLCCF(models=2), make_environment("arithmetic", size=8), plan, tmp_path)
    assert {policy: folder.name for policy, folder in out.versions.items()} == {
        "model-0": "0001",
        "model-1": "0001",
    }
    weights = [out.versions[f"model-{n}"] / "adapter_model.safetensors" for n in (0, 1)]
    assert weights[0].read_bytes() != weights[1].read_bytes()
