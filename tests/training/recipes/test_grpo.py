"""GRPO: what is compared, what is trained, and a run of the loop."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from symposia import EpisodeStore, make_environment
from symposia.episodes import Episode, Outcome, Step, Tokens, Turn
from symposia.models.load import TINY
from symposia.training.files import load_examples
from symposia.training.loop import Plan, Stage, train_sync
from symposia.training.losses import token_logprobs
from symposia.training.recipes.grpo import GRPO
from symposia.training.sample import Sample
from symposia.training.trainer import UpdateSettings

EXAMPLE = Path(__file__).parents[3] / "examples" / "grpo_alfworld.py"


def played(
    task: str, attempt: int, score: float, *, steps: int = 1, finish: str = "stop"
) -> Episode:
    """An episode of one turn, whose last token names the attempt."""
    tokens = Tokens((1, 2), (3, attempt), (-0.5, -0.25))
    return Episode(
        "collect",
        task,
        attempt,
        turns=(Turn("t", "actor", (), {}, tokens=tokens, model="policy", finish=finish),),
        steps=(Step(None, "", 0.0, False), *[Step("go", "", 0.0, False)] * steps),
        outcome=Outcome(score=score, success=score == 1),
    )


def stage(seed: int = 0) -> Stage:
    return Stage(iteration=0, iterations=1, tasks=(), attempts=4, seed=seed)


def made(recipe: GRPO, episodes: Sequence[Episode], at: Stage | None = None) -> list[Sample]:
    rows = asyncio.run(recipe.rows(episodes, at or stage()))
    return [row for row in rows if isinstance(row, Sample)]


def earned(rows: Sequence[Sample]) -> list[tuple[str, float]]:
    """Of each row its group and what its last token earned."""
    return [(row.group, row.advantages[-1]) for row in rows]


def test_an_episode_is_compared_with_those_of_its_task_and_an_all_equal_group_is_left_out() -> None:
    episodes = [played("a", n, score) for n, score in enumerate([1, 0, 0, 0])]
    episodes += [played("b", n, 1.0) for n in range(4)]
    rows = made(GRPO(advantage="mean"), episodes)
    assert earned(rows) == [("a", 0.75), ("a", -0.25), ("a", -0.25), ("a", -0.25)]
    assert {row.policy for row in rows} == {"policy"}
    assert [row.ids for row in rows] == [(1, 2, 3, n) for n in range(4)]
    assert {row.loss_mask for row in rows} == {(False, False, True, True)}


@pytest.mark.parametrize(
    ("advantage", "best"), [("grpo", 1.5), ("rloo", 1.0), ("mean", 0.75), ("batch", 2.0155)]
)
def test_the_scale_of_an_advantage_is_the_groups_the_batchs_or_none(
    advantage: str, best: float
) -> None:
    episodes = [played("a", n, score) for n, score in enumerate([1, 0, 0, 0])]
    episodes += [played("b", n, score) for n, score in enumerate([0.5, 0, 0, 0])]
    rows = made(GRPO(advantage=advantage), episodes)  # type: ignore[arg-type]
    # The unbiased deviation of (1, 0, 0, 0) is 0.5; that of all eight is 0.3720.
    assert earned(rows)[0][1] == pytest.approx(best, rel=1e-3)


def test_where_all_groups_are_all_equal_there_are_no_rows() -> None:
    episodes = [played(task, n, score) for task, score in (("a", 1), ("b", 0)) for n in range(4)]
    assert made(GRPO(), episodes) == []
    assert made(GRPO(advantage="batch"), episodes) == []


def test_a_turn_that_was_cut_off_is_not_trained_but_its_episode_is_compared() -> None:
    episodes = [played("a", 0, 1.0), played("a", 1, 0.0, finish="length"), played("a", 2, 0.0)]
    rows = made(GRPO(advantage="mean"), episodes)
    assert [row.ids[-1] for row in rows] == [0, 2]
    assert [round(row.advantages[-1], 3) for row in rows] == [0.667, -0.333]


def test_with_a_discount_the_shorter_of_two_ways_to_success_is_better() -> None:
    episodes = [played("a", 0, 1.0, steps=3), played("a", 1, 1.0, steps=9)]
    assert made(GRPO(advantage="mean"), episodes) == []
    short, long = made(GRPO(advantage="mean", discount=0.9), episodes)
    above = (0.9**3 - 0.9**9) / 2
    assert [short.advantages[-1], long.advantages[-1]] == pytest.approx([above, -above])


def test_failures_are_equal_however_long_they_took() -> None:
    episodes = [played("a", 0, 0.0, steps=3), played("a", 1, 0.0, steps=9)]
    assert made(GRPO(discount=0.9), episodes) == []


def test_random_rewards_give_successes_no_advantage() -> None:
    spec = importlib.util.spec_from_file_location("grpo_alfworld", EXAMPLE)
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    scores = [1, 1, 0, 0, 0, 0]
    episodes = [played(task, n, score) for task in "ab" for n, score in enumerate(scores)]

    def of_successes(recipe: GRPO) -> float:
        return mean(
            row.advantages[-1]
            for seed in range(200)
            for row in made(recipe, episodes, stage(seed))
            if row.ids[-1] < 2
        )

    assert of_successes(GRPO(advantage="mean")) == pytest.approx(2 / 3)
    assert abs(of_successes(example.RandomRewards(advantage="mean"))) < 0.1


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="advantage='best': there are grpo, batch, mean, rloo"):
        GRPO(advantage="best")  # type: ignore[arg-type]
    for discount in (0.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="above 0 and at most 1"):
            GRPO(discount=discount)


def plan(**chosen: object) -> Plan:
    settings = {
        "base": TINY,
        "iterations": 1,
        "tasks": 6,
        "attempts": 4,
        "test_tasks": 2,
        "evaluate_every": 0,
        "lora": None,
        "max_tokens": 64,
        "update": UpdateSettings(learning_rate=1e-4, device="cpu"),
    }
    return Plan(**settings | chosen)  # type: ignore[arg-type]


def test_one_update_raises_what_was_better_and_lowers_what_was_worse(tmp_path: Path) -> None:
    heard: dict[str, dict[str, float]] = {}
    outcome = train_sync(
        GRPO(),
        make_environment("arithmetic", size=6),
        plan(),
        tmp_path,
        heard=lambda arrow, iteration, measures: heard.update({arrow: dict(measures)}),
    )
    with EpisodeStore(tmp_path) as store:
        scores = [(each.task, each.outcome.score) for each in store.episodes("collect-0000")]
    mixed = {task for task, _ in scores if {(task, 0.0), (task, 1.0)} <= set(scores)}
    rows: list[Any] = load_examples(tmp_path / "iterations" / "0000" / "rows" / "policy.npz")
    assert {row.group for row in rows} == mixed != set()
    assert outcome.versions["policy"].name == "0001"
    assert heard["update"]["mismatch"] < 1e-3
    assert heard["update"]["kl_old"] == pytest.approx(0, abs=1e-5), "one step, on policy"
    before, after = (_logprobs(outcome.folder, number, rows) for number in (0, 1))
    gain = sum(
        (new - old) * row.advantages[-1] for row, old, new in zip(rows, before, after, strict=True)
    )
    assert gain > 0


def test_where_nothing_differs_the_policy_stays_as_it_is(tmp_path: Path) -> None:
    environment = make_environment("alfworld", size="small", games=1, max_steps=1)
    outcome = train_sync(
        GRPO(acts=True),
        environment,
        plan(train_split="generated", tasks=1, attempts=2, test_tasks=1, workers=1),
        tmp_path,
    )
    assert outcome.versions["policy"].name == "0000"
    assert outcome.before.summary.score == outcome.after.summary.score


def _logprobs(folder: Path, number: int, rows: Sequence[Sample]) -> list[float]:
    """Of each row the sum of its trained tokens' log-probabilities under a version."""
    place = folder / "versions" / "policy" / f"{number:04d}"
    model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
    found = []
    with torch.no_grad():
        for row in rows:
            ids = torch.tensor([row.ids])
            mask = torch.tensor([row.loss_mask])
            found.append(float(token_logprobs(model(ids).logits, ids)[mask].sum()))
    return found
