"""The trainer: `transformers.Trainer` over recorded rows, with any objective.

An item of its dataset is what one process does in one step of the optimizer: a list of
micro-batches. So a step has the rows that it was planned to have, however they are cut, and peft
and several processes (DDP) work as they do there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from accelerate.utils import gather_object
from torch.utils.data import Dataset, SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from .batch import Batch, Layout, collate
from .forward import trained_logprobs
from .lines import Unit
from .objectives import Objective, Per
from .packing import packs
from .settings import UpdateSettings
from .sharding import ASKED, laid_like, shard_on_cpus, sharded

Micro = tuple[list[list[Unit]], float]
"""A micro-batch, and its share of the update that it is part of."""


class MismatchError(ValueError):
    """The trainer's log-probabilities are not those that were recorded."""


class AgentTrainer(Trainer):
    """Trains a causal language model on units of recorded rows.

    Args:
        model: of transformers, or a peft model with the adapter to train set.
        units: the rows, from `lines.unit`.
        objective: what is descended.
        settings: how.
        seed: of the order of rows, and of dropout.
        folder: for what the base class writes.
        optimizer_state: moments to go on from.
        heard: called with the measures of each step.

    Raises:
        ValueError: there is nothing to train on, or weights are to be sharded and cannot be.
        MismatchError: while training, see `UpdateSettings.max_mismatch`; no weight has changed.
    """

    def __init__(
        self,
        model: Any,
        units: Sequence[Unit],
        objective: Objective,
        settings: UpdateSettings,
        *,
        seed: int = 0,
        folder: str = "trainer",
        optimizer_state: dict[str, Any] | None = None,
        heard: Callable[[dict[str, float]], None] = lambda measures: None,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        if not units:
            raise ValueError("there are no rows to train on")
        self.objective: Objective = objective
        self.settings = settings
        self.measures: dict[str, float] = {}
        """Of the update so far: means over its steps."""
        self._optimizer_state = optimizer_state
        self._heard = heard
        self._step: dict[str, tuple[float, float]] = {}
        self._apart = torch.zeros(2, dtype=torch.float64)
        """Sum of |trainer - recorded| before the first step, and over how many tokens."""
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=1,
            num_train_epochs=1,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            max_grad_norm=settings.max_grad_norm,
            bf16=settings.bf16,
            activation_checkpointing=settings.gradient_checkpointing,
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
            use_cpu=settings.device == "cpu",
            seed=seed,
        )
        there = arguments.device
        wanted = there if settings.device is None else torch.device(settings.device)
        if wanted.type != there.type or wanted.index not in (None, there.index):
            raise ValueError(
                f"device={settings.device!r}, but training here takes {there}: "
                "choose it with CUDA_VISIBLE_DEVICES, or leave it out"
            )
        if sharded():
            shard_on_cpus(settings.bf16)
        world = arguments.world_size
        steps = list(planned(units, objective.per, settings, seed))
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=_Steps(steps, world),
            data_collator=lambda items: {"micro": self._collated(items[0])},
            callbacks=list(callbacks),
        )
        self.remove_callback(PrinterCallback)
        if sharded() and not self.accelerator.is_fsdp2:
            raise ValueError(f"{ASKED} is set, but one process shares with nobody: see Launched")

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        num_items_in_batch: Any = None,
    ) -> torch.Tensor:
        """One step of the optimizer: every micro-batch forward and backward."""
        model.train()
        micros = self._prepare_inputs(inputs)["micro"]
        total = torch.zeros((), device=self.args.device)
        for number, micro in enumerate(micros, 1):
            waits = number < len(micros) and self.args.world_size > 1
            with self.accelerator.no_sync(model) if waits else nullcontext():
                with self.compute_loss_context_manager():
                    loss = self.compute_loss(model, micro)
                self.accelerator.backward(loss)
            total += loss.detach()
        if self.state.global_step == 0:
            self._refuse_mismatch()
        return total

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The micro-batch's part of the update's loss."""
        layout, batch = Layout(**inputs["layout"]), Batch(**inputs["batch"])
        share = inputs["share"]
        logprobs = trained_logprobs(model, layout, batch.loss_mask, self.settings.temperature)
        if self.state.global_step == 0 and share:
            self._compare(logprobs.detach(), batch)
        loss, measures = self.objective(logprobs, batch)
        nll = -(logprobs.detach() * batch.loss_mask).sum() / batch.loss_mask.sum()
        self._note({**measures, "nll": nll}, share)
        self._note({"tokens": layout.tokens, "computed": layout.nodes}, None if share else 0.0)
        return loss * share * self.args.world_size

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Keep the step's measures with the loss."""
        if "loss" in logs:
            logs |= self._gathered()
            count = self.state.global_step
            for name, value in logs.items():
                before = self.measures.get(name, 0.0)
                self.measures[name] = before + (value - before) / count
            self._heard(logs)
        super().log(logs, start_time)

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        """The learning rate of each step: never 0, which would waste a step's rows. The optimizer
        goes on from its moments, now that its weights are where they stay."""
        chosen = optimizer or self.optimizer
        assert chosen is not None
        if self._optimizer_state is not None:
            self._go_on(chosen, self._optimizer_state)
            self._optimizer_state = None
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
            chosen, lambda step: self.settings.rate(step, num_training_steps)
        )
        return self.lr_scheduler

    def _go_on(self, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        """Take on moments, with this update's learning rate."""
        chosen = [
            {name: value for name, value in group.items() if name != "params"}
            for group in optimizer.param_groups
        ]
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        moments = {
            at: {name: laid_like(value, weights[at]) for name, value in held.items()}
            for at, held in state["state"].items()
        }
        optimizer.load_state_dict({**state, "state": moments})
        for group, own in zip(optimizer.param_groups, chosen, strict=True):
            group.pop("initial_lr", None)
            group.update(own)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: the base class estimates it from inputs of another form."""
        return 0

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        steps: Any = self.train_dataset
        return SequentialSampler(steps)

    def _collated(self, micros: Sequence[Micro]) -> list[dict[str, Any]]:
        share = self.settings.share_prefixes
        return [{**collate(held, share), "share": part} for held, part in micros]

    def _note(self, measures: dict[str, Any], weight: float | None) -> None:
        """Add measures to the step's: weighted means, or sums where there is no weight."""
        for name, value in measures.items():
            total, weights = self._step.get(name, (0.0, 0.0))
            if weight is None:
                self._step[name] = (total + float(value), 0.0)
            elif weight:
                self._step[name] = (total + weight * float(value), weights + weight)

    def _gathered(self) -> dict[str, float]:
        """The step's measures, of all processes, and a clean sheet for the next step."""
        totals: dict[str, tuple[float, float]] = {}
        for held in gather_object([self._step]):
            for name, (total, weight) in held.items():
                before, weights = totals.get(name, (0.0, 0.0))
                totals[name] = (before + total, weights + weight)
        self._step = {}
        return {name: total / (weight or 1.0) for name, (total, weight) in totals.items()}

    def _compare(self, logprobs: torch.Tensor, batch: Batch) -> None:
        own = batch.loss_mask & ~batch.off_policy & batch.sampled[:, None]
        apart = (logprobs - batch.sampler_logprobs).abs()[own]
        self._apart += torch.tensor([float(apart.sum()), len(apart)], dtype=torch.float64)

    def _refuse_mismatch(self) -> None:
        apart = self.accelerator.reduce(self._apart.float().to(self.args.device))
        total, count = apart.tolist()
        if count:
            self.measures["mismatch"] = refuse_mismatch(total / count, self.settings)


def refuse_mismatch(mismatch: float, settings: UpdateSettings) -> float:
    """The mismatch, if it is within its limit.

    Raises:
        MismatchError: it is not.
    """
    if settings.max_mismatch is not None and not mismatch <= settings.max_mismatch:
        raise MismatchError(
            f"the trainer's log-probabilities are {mismatch:.3g} nats a token away from those "
            f"recorded, more than max_mismatch={settings.max_mismatch}: the rows were sampled by "
            f"other weights, at another temperature than {settings.temperature}, or with top-p, "
            "top-k or a grammar; nothing was changed"
        )
    return mismatch


def planned(
    units: Sequence[Unit], per: Per, settings: UpdateSettings, seed: int
) -> Iterator[list[Micro]]:
    """The micro-batches of each step of the optimizer: a function of its arguments alone."""
    size = settings.batch or len(units)
    for epoch in range(settings.epochs):
        order = list(range(len(units)))
        random.Random(f"{seed}/{epoch}").shuffle(order)
        for start in range(0, len(order), size):
            chosen = [units[at] for at in order[start : start + size]]
            counts = [_count(unit, per) for unit in chosen]
            yield [
                (
                    [[chosen[at] for at in held] for held in sequences],
                    sum(counts[at] for held in sequences for at in held) / sum(counts),
                )
                for sequences in packs(
                    chosen,
                    settings.sequence_tokens,
                    settings.batch_tokens,
                    settings.share_prefixes,
                )
            ]


def _count(unit: Unit, per: Per) -> int:
    return len(unit) if per == "row" else sum(len(line.places) for line in unit)


class _Steps(Dataset[list[Micro]]):
    """Of each step, each process's part: processes in turns, as the base class deals items out.

    Every process has as many micro-batches as the others, since some kinds of training wait for
    each other in each; what is missing is made up for by repeats that count nothing.
    """

    def __init__(self, steps: Sequence[list[Micro]], processes: int) -> None:
        self.steps, self.processes = steps, processes

    def __len__(self) -> int:
        return len(self.steps) * self.processes

    def __getitem__(self, item: int) -> list[Micro]:
        micros = self.steps[item // self.processes]
        mine = micros[item % self.processes :: self.processes]
        missing = -(-len(micros) // self.processes) - len(mine)
        return [*mine, *[(micros[0][0], 0.0)] * missing]
