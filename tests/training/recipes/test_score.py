from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rollouts import small_adapters

from symposia import make_environment
from symposia.episodes import Episode, Task, Tokens, Turn
from symposia.training.loop import Stage, train
from symposia.training.recipes.score import Anchored, SCoRe
from symposia.training.trainer import Batch


async def truth(task: str, answer: str) -> float:
    return float(answer == "4")


def stage(iteration: int) -> Stage:
    return Stage(iteration, 10, [Task("t", "2 + 2?", reference="4")], 2, 0, score=truth)


def twice(attempt: int, *answers: str | None) -> Episode:
    turns = tuple(
        Turn(
            f"{attempt}{number}",
            "actor",
            (),
            {},
            parsed=None if said is None else {"answer": said},
            tokens=Tokens((1, number), (3, 4), (-0.5, -0.5)),
        )
        for number, said in enumerate(answers)
    )
    return Episode("run", "t", attempt, turns=turns)


@pytest.mark.parametrize(
    ("truth", "second"), [((1, 0), -10), ((0, 1), 11), ((1, 1), 1), ((0, 0), 0)]
)
def test_a_second_attempt_earns_ten_times_what_it_gained(
    truth: tuple[int, int], second: float
) -> None:
    assert SCoRe(shape_from=1).rewards(*truth, stage=stage(1)) == (truth[0], second)


def test_at_first_only_the_second_attempt_earns_and_only_the_first_is_held() -> None:
    recipe = SCoRe(shape_from=1)
    assert recipe.rewards(1, 1, stage=stage(0)) == (0, 1)
    assert recipe.anchors(stage(0)) == (0.1, 0)
    assert recipe.anchors(stage(1)) == (0.01, 0.01)


async def test_attempts_are_compared_with_the_same_attempt_of_other_episodes() -> None:
    episodes = [twice(0, "5", "4"), twice(1, "4", None), twice(2, "5")]
    first = await SCoRe(shape_from=1).rows(episodes, stage(0))
    assert [(row.turns, row.advantages[-1], dict(row.extras)) for row in first] == [
        (("00",), 0, {"anchor": 0.1}),
        (("01",), 1, {"anchor": 0}),
        (("10",), 0, {"anchor": 0.1}),
        (("11",), -1, {"anchor": 0}),
    ]
    second = await SCoRe(shape_from=1).rows(episodes, stage(1))
    assert [row.advantages[-1] for row in second] == [-1, 11 + 10, 1, -10 - 11]


def batch(reference: torch.Tensor, anchors: tuple[float, float]) -> Batch:
    old = torch.tensor([[-1.0, -2.0], [-1.0, -2.0]])
    return Batch(
        loss_mask=torch.ones(2, 2, dtype=torch.bool),
        advantages=torch.tensor([[0.0, 0.0], [1.0, 1.0]]),
        old_logprobs=old,
        sampler_logprobs=old,
        off_policy=torch.zeros(2, 2, dtype=torch.bool),
        reference_logprobs=reference,
        sampled=torch.tensor([True, True]),
        extras=tuple({"anchor": each} for each in anchors),
    )


def test_in_the_first_stage_the_first_attempt_moves_by_its_anchor_alone() -> None:
    logprobs = torch.tensor([[-1.0, -2.0], [-1.0, -2.0]], requires_grad=True)
    loss, _ = Anchored()(logprobs, batch(logprobs.detach().clone(), (0.1, 0.0)))
    (at_base,) = torch.autograd.grad(loss, logprobs)
    assert at_base[0].tolist() == [0, 0]
    assert at_base[1].tolist() == pytest.approx([-0.25, -0.25])
    loss, measures = Anchored()(logprobs, batch(logprobs.detach() - 0.4, (0.1, 0.0)))
    (away,) = torch.autograd.grad(loss, logprobs)
    assert away[0].tolist() == pytest.approx([0.1 * 0.4 / 4] * 2)
    assert away[1].tolist() == pytest.approx([-0.25, -0.25])
    assert measures["anchor"].item() == pytest.approx(0.1 * 0.4**2 / 2 / 2)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha=-1"):
        SCoRe(alpha=-1)
    with pytest.raises(ValueError, match="shape_from=0"):
        SCoRe(shape_from=0)
    with pytest.raises(ValueError, match="ask for 2 attempts at least"):
        SCoRe().collection(Stage(0, 1, (), 1, 0))


async def test_it_trains_both_attempts_through_both_stages(tmp_path: Path) -> None:
    plan = small_adapters(iterations=2, tasks=2)
    told: list[dict[str, float]] = []
    outcome = await train(
        SCoRe(shape_from=1),
        make_environment("arithmetic", size=8),
        plan,
        tmp_path,
        heard=lambda arrow, i, measures: told.append(dict(measures)) if arrow == "update" else None,
    )
    assert outcome.versions["policy"].name == "0002"
    assert len(told) == 2 and all(each["mismatch"] < 1e-3 for each in told)
    assert told[0]["anchor"] == pytest.approx(0, abs=1e-6)
    assert told[1]["anchor"] > 0, "the weights have moved, and both attempts are held"
