from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from drawers import Drawers

from symposia.agents import Action
from symposia.episodes import Episode, EpisodeStore
from symposia.graphs.searching.agent_q import preferences
from symposia.graphs.tree import Node, Tree
from symposia.models.load import TINY
from symposia.training import PreferencePair
from symposia.training.files import load_examples
from symposia.training.loop import Plan, Stage, train
from symposia.training.recipes.agent_q import AgentQ
from symposia.training.trainer import UpdateSettings
from symposia.training.trainer.batch import Batch


def tree_with(*qualities: tuple[float, float]) -> Tree:
    """A root with children of these mean outcomes and ranks."""
    tree = Tree([Node(0)])
    for number, (mean, prior) in enumerate(qualities, 1):
        tree.add(Node(number, 0, 1, Action(action="a"), prior=prior, visits=1, total=mean))
    return tree


def test_quality_is_half_outcome_and_half_rank() -> None:
    (pair,) = preferences(tree_with((0.2, 0.8), (0.0, 0.0)), 0.1)
    assert pair.gap == pytest.approx(0.5)


def test_pairs_are_those_whose_qualities_differ_by_more_than_the_threshold() -> None:
    tree = tree_with((0.9, 0.9), (0.4, 0.4), (0.35, 0.35))
    assert [(p.better, p.worse) for p in preferences(tree, 0.1)] == [(1, 2), (1, 3)]


def test_where_policy_and_reference_agree_the_loss_is_log_2() -> None:
    logprobs = torch.tensor([[-0.5], [-0.7]], requires_grad=True)
    batch = Batch(
        loss_mask=torch.ones(2, 1, dtype=torch.bool),
        advantages=torch.zeros(2, 1),
        old_logprobs=torch.zeros(2, 1),
        sampler_logprobs=torch.zeros(2, 1),
        off_policy=torch.zeros(2, 1, dtype=torch.bool),
        reference_logprobs=logprobs.detach().clone(),
        sampled=torch.zeros(2, dtype=torch.bool),
        extras=({}, {}),
    )
    stage = Stage(0, 1, (), 1, 0)
    loss, _ = AgentQ(beta=0.3).objective("policy", stage)(logprobs, batch)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2), abs=1e-4)
    assert logprobs.grad is not None
    assert logprobs.grad[0].item() == pytest.approx(-0.15)


async def plain(state: Any) -> dict[str, Any]:
    """A critic that leaves the proposals in their order."""
    return {}


async def test_pairs_of_tokens_as_they_were_sampled_train_the_policy(tmp_path: Path) -> None:
    recipe = AgentQ(critic=plain, share=1.0, expansions=3, max_depth=1, replay=4, threshold=0.2)
    plan = Plan(
        base=TINY,
        iterations=2,
        tasks=1,
        attempts=6,
        test_tasks=1,
        test_attempts=12,
        test_temperature=1.0,
        temperature=1.5,
        max_tokens=24,
        evaluate_every=0,
        update=UpdateSettings(learning_rate=1e-3, epochs=4, device="cpu"),
    )
    told: list[tuple[str, int, Any]] = []
    done = await train(recipe, Drawers(), plan, tmp_path, heard=lambda *arrow: told.append(arrow))
    with EpisodeStore(tmp_path) as store:
        turns = [turn for e in store.episodes("collect-0000") for turn in e.turns]
    sampled = {
        (t.tokens.prompt_ids, t.tokens.completion_ids, t.tokens.logprobs) for t in turns if t.tokens
    }
    first, second = (
        load_examples(tmp_path / "iterations" / at / "rows" / "policy.npz")
        for at in ("0000", "0001")
    )
    for row in first:
        assert isinstance(row, PreferencePair)
        assert (row.prompt_ids, row.chosen_ids, row.chosen_reference) in sampled
        assert (row.prompt_ids, row.rejected_ids, row.rejected_reference) in sampled
        assert row.margin is not None and row.margin > 0.2
    assert {"age": 1.0} in [dict(row.extras) for row in second]
    assert done.versions["policy"].name == "0002"
    assert done.after.summary.score > done.before.summary.score


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 1.5}, r"share=1\.5"),
        ({"reference_logprobs": "none"}, "there are stored and computed"),
        ({"threshold": -1}, "threshold=-1"),
        ({"replay": -1}, "replay=-1"),
        ({"capacity": 0}, "capacity=0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AgentQ(**settings)


async def test_an_episode_that_broke_off_before_its_tree_stood_teaches_nothing() -> None:
    stage = Stage(0, 1, (), 1, 0)
    assert await AgentQ().rows([Episode("r", "t")], stage) == []
