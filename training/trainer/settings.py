"""How an update is made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class UpdateSettings:
    """One update of one policy. What papers leave open is as small models on a CPU want it."""

    learning_rate: float = 1e-5
    epochs: int = 1
    batch: int | None = None
    """Examples in one step of the optimizer; None takes all that an update has."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls within an update, to what is left above 0 in its last step."""
    warmup: int = 0
    """Steps before the rate is whole, in each update; the first has a part of it already."""
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    keep_optimizer: bool = True
    """Whether the optimizer's moments go on from the last update."""
    temperature: float = 1.0
    """That the rows were sampled at: the trainer's log-probabilities are taken at it too."""
    old_logprobs: Literal["recorded", "recomputed"] = "recorded"
    """What ratios are counted from: what the sampler recorded, or what the trainer computes before
    its first step (then an objective may weigh by the two's quotient)."""
    max_mismatch: float | None = 0.1
    """Mean difference, in nats a token, between recorded log-probabilities and the trainer's, from
    which an update is refused; None never refuses. It is measured before any weight changes: on all
    rows where they are recomputed, else on those of the first step."""
    reference: Literal["base", "start"] = "base"
    """What objectives compare with: the model before all training, or before this update."""
    sequence_tokens: int = 512
    """Tokens that rows which share are packed into, unless one row is longer."""
    batch_tokens: int = 8192
    """Tokens in one forward pass, padding included, with the same exception."""
    share_prefixes: bool = True
    """Compute what rows begin with in common once. Else each row has a sequence of its own, as
    models with sliding windows or recurrent layers need."""
    bf16: bool = False
    """Mixed precision."""
    gradient_checkpointing: bool = False
    device: str | None = None
    """`cpu`, `cuda`, ...; None takes the best there is."""

    def __post_init__(self) -> None:
        """Raises ValueError when a number is out of range or a setting cannot take effect."""
        for name, known in (
            ("schedule", ("constant", "linear", "cosine")),
            ("old_logprobs", ("recorded", "recomputed")),
            ("reference", ("base", "start")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r}: there are {', '.join(known)}")
        for name, least in (("epochs", 1), ("sequence_tokens", 2), ("batch_tokens", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)}: it must be at least {least}")
        for name in ("learning_rate", "temperature", "max_grad_norm"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name}={getattr(self, name)}: it must be finite and above 0")
        if self.batch is not None and self.batch < 1:
            raise ValueError(f"batch={self.batch}: it must be at least 1")
        if min(self.warmup, self.weight_decay) < 0:
            raise ValueError("warmup and weight_decay must not be negative")
        if self.max_mismatch is not None and not self.max_mismatch >= 0:
            raise ValueError(f"max_mismatch={self.max_mismatch}: it must not be negative, or None")
        steps = self.epochs if self.batch is None else None
        if steps is not None and self.warmup >= steps:
            raise ValueError(f"warmup={self.warmup}, but an update has {steps} steps: see batch")
        if steps == 1 and self.schedule != "constant":
            raise ValueError(f"schedule={self.schedule!r} needs several steps: see batch, epochs")

    def rate(self, step: int, steps: int) -> float:
        """The part of the learning rate that a step has, above 0.

        Args:
            step: from 0.
            steps: of the update.
        """
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        gone = (step - self.warmup) / max(1, steps - self.warmup)
        match self.schedule:
            case "linear":
                return 1 - gone
            case "cosine":
                return (1 + math.cos(math.pi * gone)) / 2
            case _:
                return 1.0
