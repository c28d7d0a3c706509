"""Training from scratch: one pass over the rows, resumable to the bit.

The state on disk is the weights, both optimisers and the number of the next step; the order of the
batches is a pure function of the rows and the seed, and nothing else is random. A checkpoint is
written whole or not at all, so a run that is killed goes on from its last one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from .muon import Muon
from .rows import Rows, plan
from .tokenizer import CONTEXT

LOG_EVERY = 50
"""Steps between lines of the metrics file."""


@dataclass(frozen=True)
class Recipe:
    """The model's shape and how it is trained."""

    layers: int = 4
    width: int = 128
    heads: int = 4
    inner: int = 256
    """Width inside the feed-forward blocks."""
    batch_tokens: int = 2048
    """Tokens in a batch, padding included."""
    matrix_rate: float = 0.02
    """Muon's learning rate, for the matrices inside the blocks."""
    other_rate: float = 5e-3
    """AdamW's, for embeddings and norms."""
    warm_up: int = 50
    """Steps over which the rates rise; then they fall linearly to zero."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    steps: int | None = None
    """Steps in all; None for one pass over the rows."""
    minutes: float | None = None
    """A budget instead: the rates follow the clock, so two runs differ."""
    checkpoint_seconds: float = 120.0
    threads: int = 2
    seed: int = 0


def new_model(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> LlamaForCausalLM:
    """The model before training."""
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def loss_of(model: LlamaForCausalLM, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted sum of cross-entropies in nats; `ids` and `weights` are [batch, tokens].

    Logits are computed only where there is something to learn.
    """
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    weight = weights[:, 1:]
    learnt = weight > 0
    logits = model.lm_head(hidden[learnt])
    losses = torch.nn.functional.cross_entropy(logits, ids[:, 1:][learnt], reduction="none")
    return (losses * weight[learnt]).sum()


class Training:
    """A run in a folder that holds its checkpoint and metrics.

    Args:
        rows: what is learnt.
        folder: for `checkpoint.pt` and `metrics.jsonl`; a run that is there is resumed.
        after_step: called with the number of steps done after each; for tests.
    """

    def __init__(
        self,
        rows: Rows,
        tokenizer: PreTrainedTokenizerBase,
        recipe: Recipe,
        folder: Path,
        after_step: Callable[[int], None] = lambda step: None,
    ) -> None:
        torch.set_num_threads(recipe.threads)
        torch.use_deterministic_algorithms(True)
        self.rows, self.recipe, self.folder, self.after_step = rows, recipe, folder, after_step
        self.pad: int = tokenizer.pad_token_id
        self.model = new_model(recipe, tokenizer)
        inside = [p for p in self.model.model.layers.parameters() if p.ndim == 2]
        matrices = set(inside)
        others = [p for p in self.model.parameters() if p not in matrices]
        self.optimisers: tuple[torch.optim.Optimizer, ...] = (
            Muon(inside, lr=recipe.matrix_rate),
            torch.optim.AdamW(others, lr=recipe.other_rate, betas=(0.9, 0.95), weight_decay=0.0),
        )
        self.batches = plan(rows, recipe.batch_tokens, recipe.seed)
        self.usual_weight = rows.mean_weight * recipe.batch_tokens
        """What the weights in a batch sum up to: every token counts the same in every batch."""
        self.steps = recipe.steps or len(self.batches)
        self.step = 0
        self.tokens = 0
        """Tokens read so far, padding excluded."""
        self.seconds = 0.0
        self._resume()

    def run(self) -> LlamaForCausalLM:
        """Train to the end and return the model."""
        self.folder.mkdir(parents=True, exist_ok=True)
        columns = (
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TextColumn("{task.fields[speed]:,.0f} tokens/s"),
            TimeRemainingColumn(),
        )
        self.model.train()
        with Progress(*columns) as bar:
            task = bar.add_task("", total=self.steps, completed=self.step, loss=0.0, speed=0.0)
            saved = time.monotonic()
            while not self._finished():
                began = time.monotonic()
                loss, tokens = self._update()
                seconds = time.monotonic() - began
                self.step += 1
                self.tokens += tokens
                self.seconds += seconds
                bar.update(task, completed=self.step, loss=loss, speed=tokens / seconds)
                if self.step % LOG_EVERY == 0:
                    self._log(loss=loss)
                if time.monotonic() - saved >= self.recipe.checkpoint_seconds:
                    self._save()
                    saved = time.monotonic()
                self.after_step(self.step)
        self._save()
        self.model.train(False)
        return self.model

    def _update(self) -> tuple[float, int]:
        ids, weights = self.rows.batch(self.batches[self.step % len(self.batches)], self.pad)
        loss = loss_of(self.model, ids, weights)
        (loss / self.usual_weight).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        scale = self._scale()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = scale * optimiser.defaults["lr"]
            optimiser.step()
            optimiser.zero_grad()
        return float(loss.detach() / weights.sum()), int((ids != self.pad).sum())

    def _scale(self) -> float:
        """The part of the full learning rate at this step."""
        return min((self.step + 1) / self.recipe.warm_up, 1.0) * max(1.0 - self._fraction(), 0.0)

    def _fraction(self) -> float:
        """How much of the run is over, from 0 to 1."""
        if self.recipe.minutes is not None:
            return self.seconds / (60 * self.recipe.minutes)
        return self.step / self.steps

    def _finished(self) -> bool:
        return self._fraction() >= 1

    def _log(self, **measures: float) -> None:
        line = {"step": self.step, "tokens": self.tokens, "seconds": round(self.seconds, 1)}
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(line | measures) + "\n")

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _save(self) -> None:
        state = {
            "recipe": asdict(self.recipe),
            "model": self.model.state_dict(),
            "optimisers": [each.state_dict() for each in self.optimisers],
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }
        draft = self._checkpoint.with_suffix(".part")
        with draft.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._checkpoint)

    def _resume(self) -> None:
        """Go on from the checkpoint, if there is one; metrics written after it are dropped.

        Raises:
            ValueError: the checkpoint is of another recipe.
        """
        if not self._checkpoint.exists():
            return
        state: dict[str, Any] = torch.load(self._checkpoint, weights_only=True)
        if state["recipe"] != asdict(self.recipe):
            raise ValueError(f"{self._checkpoint} is of another recipe: {state['recipe']}")
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]
        metrics = self.folder / "metrics.jsonl"
        if metrics.exists():
            lines = metrics.read_text().splitlines(keepends=True)
            kept = [line for line in lines if json.loads(line)["step"] <= self.step]
            metrics.write_text("".join(kept))
