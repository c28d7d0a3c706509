"""Rows, their order, and training that survives being killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from langchain_core.messages import HumanMessage, convert_to_openai_messages
from transformers import AutoTokenizer

from symposia.agents import Actor
from symposia.models.load import TINY
from symposia.models.tiny.make import conversations as make
from symposia.models.tiny.make.muon import orthogonalise
from symposia.models.tiny.make.rows import Encoder, Rows, plan
from symposia.models.tiny.make.train import Recipe, Training

STEPS, KILLED_AFTER = 8, 5
RECIPE = Recipe(
    layers=1, width=16, heads=2, inner=16, batch_tokens=800, steps=STEPS, checkpoint_seconds=0.0
)
KILLED = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_train import KILLED_AFTER, RECIPE, some_rows, tokenizer
from symposia.models.tiny.make.train import Training

def die(step):
    if step == KILLED_AFTER:
        os.kill(os.getpid(), signal.SIGKILL)

Training(some_rows(), tokenizer, RECIPE, Path(sys.argv[1]), after_step=die).run()
"""

tokenizer: Any = AutoTokenizer.from_pretrained(TINY)


def some_rows() -> Rows:
    encode = Encoder(tokenizer)
    return Rows.of((seed / 60, *encode(make.solve(seed))) for seed in range(60))


def rows_of(lengths: Any, places: Any) -> Rows:
    starts = np.concatenate([[0], np.cumsum(lengths)])
    ids = np.ones(starts[-1], dtype=np.uint16)
    return Rows(ids, ids.astype(np.uint8), starts, np.asarray(places))


def test_rows_are_what_the_chat_template_writes() -> None:
    ids, weights = Encoder(tokenizer)(make.solve(3))
    told = [{"role": m.role, "content": m.text} for m in make.solve(3)]
    assert ids == list(tokenizer.apply_chat_template(told, return_dict=False))
    learnt = [i for i, weight in zip(ids, weights, strict=True) if weight == make.LEARN]
    assert tokenizer.decode(learnt) == make.solve(3)[-1].text + "<|end|>"


def test_roles_are_prompted_as_in_a_team() -> None:
    messages = make.prompt(Actor, {"messages": [HumanMessage("How many?")]})
    told = convert_to_openai_messages(messages)
    assert [m["role"] for m in told] == ["system", "user"]


def test_rows_come_back_from_disk(tmp_path: Path) -> None:
    rows = some_rows()
    rows.save(tmp_path / "rows.npz")
    again = Rows.load(tmp_path / "rows.npz")
    assert all(
        np.array_equal(getattr(rows, name), getattr(again, name))
        for name in ("ids", "weights", "starts", "places")
    )


def test_a_plan_has_every_row_once_about_in_its_place_and_in_batches_of_bounded_size() -> None:
    random = np.random.default_rng(0)
    rows = rows_of(random.integers(100, 2000, size=3000), random.random(3000))
    batches = plan(rows, 8000, seed=0)
    assert sorted(row for batch in batches for row in batch) == list(range(3000))
    assert max(len(batch) * rows.lengths[batch].max() for batch in batches) <= 8000
    tenth = len(batches) // 10
    early = [row for batch in batches[:tenth] for row in batch]
    late = [row for batch in batches[-tenth:] for row in batch]
    assert rows.places[early].max() < 0.25 and rows.places[late].min() > 0.75
    assert batches == plan(rows, 8000, seed=0)


def test_padding_carries_no_weight() -> None:
    rows = some_rows()
    ids, weights = rows.batch([0, 1, 2], tokenizer.pad_token_id)
    assert ids.shape == weights.shape == (3, rows.lengths[:3].max())
    assert not weights[ids == tokenizer.pad_token_id].any()


def test_muon_updates_are_nearly_orthogonal() -> None:
    matrices = torch.randn(2, 8, 32, generator=torch.Generator().manual_seed(0))
    singular = torch.linalg.svdvals(orthogonalise(matrices))
    assert singular.min() > 0.6 and singular.max() < 1.3


def test_a_killed_run_ends_in_the_very_weights_of_an_undisturbed_one(tmp_path: Path) -> None:
    undisturbed = Training(some_rows(), tokenizer, RECIPE, tmp_path / "undisturbed").run()
    folder = tmp_path / "killed"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    resumed = Training(some_rows(), tokenizer, RECIPE, folder)
    assert resumed.step == KILLED_AFTER
    weights = resumed.run().state_dict()
    assert all(torch.equal(weights[name], w) for name, w in undisturbed.state_dict().items())


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    recipe = Recipe(layers=1, width=16, heads=2, inner=16, batch_tokens=800, steps=1)
    Training(some_rows(), tokenizer, recipe, tmp_path).run()
    with pytest.raises(ValueError, match="another recipe"):
        Training(some_rows(), tokenizer, RECIPE, tmp_path)


def test_metrics_after_the_checkpoint_are_written_anew(tmp_path: Path) -> None:
    recipe = Recipe(layers=1, width=16, heads=2, inner=16, batch_tokens=800, steps=1)
    Training(some_rows(), tokenizer, recipe, tmp_path).run()
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("".join(json.dumps({"step": step}) + "\n" for step in (1, 20)))
    Training(some_rows(), tokenizer, recipe, tmp_path)
    assert [json.loads(line)["step"] for line in metrics.read_text().splitlines()] == [1]
