"""A training run whose episodes a real vLLM plays; see `real_vllm`."""

from __future__ import annotations

import json
import urllib.request

import pytest
from real_vllm import launched, needed

from symposia import EpisodeStore, make_environment
from symposia.models.load import TINY
from symposia.training.loop import Plan, VLLMServing, train_sync
from symposia.training.recipes.grpo import GRPO
from symposia.training.trainer import UpdateSettings

pytestmark = needed
PLAN = Plan(
    base=TINY,
    iterations=2,
    tasks=4,
    attempts=4,
    update=UpdateSettings(learning_rate=1e-3, device="cpu"),
    test_tasks=2,
    max_tokens=64,
    concurrency=8,
)


def test_every_version_plays_under_its_own_name_and_is_trained_on_what_it_said(tmp_path):
    pytest.importorskip("peft")
    with launched() as server:
        outcome = train_sync(
            GRPO(),
            make_environment("arithmetic"),
            PLAN,
            tmp_path,
            serving=VLLMServing(server.url, server.model),
        )
        with urllib.request.urlopen(f"{server.url}/models") as answer:
            served = [model["id"] for model in json.load(answer)["data"]]
    assert outcome.versions["policy"].name == "0002"
    (left,) = (name for name in served if name != server.model)
    assert left.startswith("policy-0002-")
    with EpisodeStore(tmp_path) as store:
        for iteration in range(2):
            said = [
                turn for each in store.episodes(f"collect-{iteration:04d}") for turn in each.turns
            ]
            assert said and all(turn.tokens.completion_ids for turn in said)
            assert all(f"policy-{iteration:04d}-" in turn.model for turn in said)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    updates = [line for line in lines if line["arrow"] == "update"]
    assert updates and all(line["mismatch"] < 0.01 for line in updates)
