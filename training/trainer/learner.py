"""From one version of a policy to the next: a function of folders, rows, an objective and a seed.

Nothing else decides what comes out, so an update that was cut off is made again from its start.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import extract_model_from_parallel

from ..sample import Example
from .batch import Batch, Layout, collate
from .forward import require_readable, require_shareable, trained_logprobs
from .lines import Floats, Line, Unit, unit
from .objectives import Objective, PolicyGradient
from .packing import packs
from .policy import Policy
from .settings import UpdateSettings
from .sharding import sharded, whole
from .trainer import AgentTrainer, refuse_mismatch

Heard = Callable[[dict[str, float]], None]


@dataclass(slots=True)
class Learner:
    """Makes updates of one policy after the other, with one model in memory."""

    policy: Policy
    settings: UpdateSettings = field(default_factory=UpdateSettings)

    def update(
        self,
        start: Path,
        examples: Sequence[Example],
        objective: Objective,
        out: Path,
        *,
        seed: int = 0,
        settings: UpdateSettings | None = None,
        reference: Path | None = None,
        heard: Heard = lambda measures: None,
    ) -> dict[str, float]:
        """Train the version in `start` on `examples`, and write the next one to `out`.

        Args:
            reference: the version that objectives compare with; by default what
                `settings.reference` says.

        Returns:
            Means over the update's steps: `loss`, `grad_norm`, `mismatch`, `tokens` (of all rows)
            and `computed` (distinct ones) a step, and what the objective measures.

        Raises:
            ValueError: there are no rows, or they do not suit the objective or the model.
            MismatchError: see `UpdateSettings.max_mismatch`; nothing is written.
            OSError: the version could not be written; nothing is left there.
        """
        settings = settings or self.settings
        moments = self.policy.load(start)
        model = self.policy.model
        if settings.device is None and not sharded():
            model.to(_device())
        units = [unit(each) for each in examples]
        if not units:
            raise ValueError("there are no rows to train on")
        if (
            isinstance(objective, PolicyGradient)
            and objective.importance_cap is not None
            and settings.old_logprobs == "recorded"
        ):
            raise ValueError(
                f"importance_cap={objective.importance_cap} weighs what the trainer computes by "
                "what was recorded: set old_logprobs='recomputed'"
            )
        require_readable(model, [line for each in units for line in each])
        if settings.share_prefixes:
            require_shareable(model)
        compared = self._compared(start, reference, settings)
        units, measures = self._prepared(units, objective, settings, compared)
        with tempfile.TemporaryDirectory() as folder, _left_as_it_was(model):
            trainer = AgentTrainer(
                model,
                units,
                objective,
                settings,
                seed=seed,
                folder=folder,
                optimizer_state=moments if settings.keep_optimizer else None,
                heard=heard,
            )
            trainer.train()
        assert trainer.optimizer is not None
        weights = whole(self.policy.weights())
        kept = whole(trainer.optimizer.state_dict()) if settings.keep_optimizer else None
        if trainer.is_world_process_zero():
            self.policy.save(out, kept, weights)
        trainer.accelerator.wait_for_everyone()
        return {**measures, **trainer.measures}

    def _prepared(
        self,
        units: list[Unit],
        objective: Objective,
        settings: UpdateSettings,
        compared: AbstractContextManager[Any],
    ) -> tuple[list[Unit], dict[str, float]]:
        """Units with what has to be computed before the first step."""
        measures: dict[str, float] = {}
        missing = any(line.reference_logprobs is None for each in units for line in each)
        if objective.reference and missing:
            with compared as other:
                found = computed_logprobs(other, units, settings)
            units = _filled(units, found, lambda line, got: replace(line, reference_logprobs=got))
        if settings.old_logprobs == "recomputed":
            found = computed_logprobs(self.policy.model, units, settings)
            apart = [
                np.abs(got - line.sampler_logprobs)[~line.off_policy]
                for each, gots in zip(units, found, strict=True)
                for line, got in zip(each, gots, strict=True)
                if line.sampled
            ]
            if apart and len(flat := np.concatenate(apart)):
                measures["mismatch"] = refuse_mismatch(float(flat.mean()), settings)
            units = _filled(units, found, lambda line, got: replace(line, old_logprobs=got))
        return units, measures

    @contextmanager
    def _compared(
        self, start: Path, reference: Path | None, settings: UpdateSettings
    ) -> Iterator[Any]:
        """The model that objectives compare with."""
        if reference is not None:
            self.policy.load(reference)
            yield self.policy.model
            self.policy.load(start)
        elif settings.reference == "start":
            yield self.policy.model
        else:
            with self.policy.as_base() as base:
                yield base


def computed_logprobs(
    model: Any, units: Sequence[Unit], settings: UpdateSettings
) -> list[tuple[Floats, ...]]:
    """Of each line of each unit, the log-probabilities of its trained tokens under a model."""
    found: dict[int, tuple[Floats, ...]] = {}
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    share = settings.share_prefixes
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=settings.bf16):
        for sequences in packs(units, settings.sequence_tokens, settings.batch_tokens, share):
            made = collate([[units[at] for at in held] for held in sequences], share)
            layout = Layout(**{name: _to(value, device) for name, value in made["layout"].items()})
            mask = Batch(**made["batch"]).loss_mask
            got = trained_logprobs(model, layout, mask.to(device), settings.temperature)
            rows = iter(row[:count].double().cpu().numpy() for row, count in zip(got, mask.sum(-1)))
            for at in (at for held in sequences for at in held):
                found[at] = tuple(next(rows) for _ in units[at])
    model.train(was_training)
    return [found[at] for at in range(len(units))]


def _device() -> torch.device:
    """The one that the trainer will take for this process."""
    there = torch.accelerator.current_accelerator(check_available=True)
    if there is None:
        return torch.device("cpu")
    return torch.device(there.type, int(os.environ.get("LOCAL_RANK", 0)))


@contextmanager
def _left_as_it_was(model: Any) -> Iterator[None]:
    """Undo what training leaves on a model: a forward wrapped for mixed precision, no cache."""
    cached = model.config.use_cache
    try:
        yield
    finally:
        model.config.use_cache = cached
        extract_model_from_parallel(model, keep_fp32_wrapper=False)


def _filled(
    units: Sequence[Unit],
    found: Sequence[tuple[Floats, ...]],
    fill: Callable[[Line, Floats], Line],
) -> list[Unit]:
    return [
        tuple(fill(line, got) for line, got in zip(each, gots, strict=True))
        for each, gots in zip(units, found, strict=True)
    ]


def _to(value: Any, device: torch.device) -> Any:
    return value.to(device) if torch.is_tensor(value) else value
