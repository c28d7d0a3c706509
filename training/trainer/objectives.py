"""What an update descends: a choice of losses, as a value that can be written down and sent on.

An objective is called with the log-probabilities of a micro-batch's trained tokens, and gives the
mean over its rows or over its tokens, and measures. The trainer weighs micro-batches by what the
mean is over (`per`), so that an update comes out the same however it is cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch

from ..losses import (
    Clip,
    Completions,
    Loss,
    constant_length,
    importance_weights,
    kl_in_reward,
    kl_loss,
    nft_loss,
    policy_loss,
    preference_loss,
    sequence_mean,
    sequence_sum,
    supervised_loss,
    token_mean,
)
from ..losses.checks import mean_over
from ..losses.preference import WITHOUT_REFERENCE, Kind
from ..losses.ratios import Level
from ..losses.reductions import Reduction
from .batch import Batch

Mean = Literal["token", "sequence", "sequence_sum"]
"""What a loss is a mean over: all tokens; rows, of their token means; rows, of their sums."""
REDUCTIONS: dict[Mean, Reduction] = {
    "token": token_mean,
    "sequence": sequence_mean,
    "sequence_sum": sequence_sum,
}
Per = Literal["token", "row"]


class Objective(Protocol):
    """What is descended. Keep it a frozen dataclass in a module: updates may run elsewhere."""

    @property
    def per(self) -> Per:
        """What it gives the mean over."""
        ...

    @property
    def reference(self) -> bool:
        """Whether it reads `batch.reference_logprobs`."""
        ...

    def __call__(self, logprobs: torch.Tensor, batch: Batch) -> Loss:
        """
        Args:
            logprobs: (rows, tokens), with gradient.
            batch: the rows.
        """
        ...


@dataclass(frozen=True, slots=True)
class PolicyGradient:
    """The clipped policy gradient of `policy_loss`, with what papers add to it.

    GRPO, RLOO, REINFORCE++, DAPO, Dr. GRPO and GSPO are choices of `mean`, `level` and `clip`;
    their advantages come with the rows.
    """

    clip: Clip | None = field(default_factory=Clip)
    level: Level = "token"
    mean: Mean = "sequence"
    length: float | None = None
    """Divides sums of rows: Dr. GRPO's constant. Only with `mean="sequence_sum"`."""
    kl: float = 0.0
    """Coefficient of the divergence from the reference."""
    kl_in: Literal["loss", "reward"] = "loss"
    """Whether the divergence is a loss beside the others, or a cost that each token's advantage
    answers for from there to the end of its row."""
    estimator: Literal["k1", "k2", "k3"] = "k3"
    """k1 is the one for the reward, and teaches nothing as a loss."""
    importance_cap: float | None = None
    """Corrects for the sampler's other numerics, up to this weight; counts only where the trainer
    computes old log-probabilities anew."""
    positive_nll: float = 0.0
    """Weight of imitating tokens with a positive advantage; as all of the loss, a mean over what
    is trained (in `positive_nll_loss` itself, over the positive ones)."""

    def __post_init__(self) -> None:
        """Raises ValueError when a setting cannot take effect."""
        if self.mean not in REDUCTIONS:
            raise ValueError(f"mean={self.mean!r}: there are {', '.join(REDUCTIONS)}")
        if self.length is not None and self.mean != "sequence_sum":
            raise ValueError(f"length={self.length} divides sums: set mean='sequence_sum'")
        if self.kl_in not in ("loss", "reward"):
            raise ValueError(f"kl_in={self.kl_in!r}: there are loss and reward")
        if self.kl_in == "reward" and not self.kl:
            raise ValueError("kl_in='reward' takes off nothing: set kl")

    @property
    def per(self) -> Per:
        return "token" if self.mean == "token" else "row"

    @property
    def reference(self) -> bool:
        return self.kl > 0

    def __call__(self, logprobs: torch.Tensor, batch: Batch) -> Loss:
        measures: dict[str, torch.Tensor] = {}
        weights = None
        own = batch.loss_mask & ~batch.off_policy
        if self.importance_cap is not None and own.any():
            corrected, measures = importance_weights(
                batch.old_logprobs, batch.sampler_logprobs, own, cap=self.importance_cap
            )
            weights = torch.where(own, corrected, torch.ones_like(corrected))
        advantages = batch.advantages
        if self.kl and self.kl_in == "reward":
            costs, kl = kl_in_reward(
                torch.zeros_like(advantages),
                batch.old_logprobs,
                _reference(batch),
                batch.loss_mask,
                coefficient=self.kl,
                estimator=self.estimator,
            )
            advantages = advantages + costs.flip(-1).cumsum(-1).flip(-1)
            measures |= kl
        loss, more = policy_loss(
            logprobs,
            batch.old_logprobs,
            advantages,
            batch.loss_mask,
            clip=self.clip,
            level=self.level,
            weights=weights,
            off_policy=batch.off_policy,
            reduce=self._reduce,
        )
        measures |= more
        if self.kl and self.kl_in == "loss":
            anchor, kl = kl_loss(
                logprobs,
                _reference(batch),
                batch.loss_mask,
                estimator=self.estimator,
                reduce=self._reduce,
            )
            loss, measures = loss + self.kl * anchor, measures | kl
        if self.positive_nll:
            good = (batch.advantages > 0).to(logprobs)
            imitation, _ = supervised_loss(
                logprobs, batch.loss_mask, weights=good, reduce=self._reduce
            )
            loss = loss + self.positive_nll * imitation
            measures["positive"] = mean_over(good, batch.loss_mask)
        return loss, measures

    def _reduce(self, losses: torch.Tensor, mask: torch.Tensor, /) -> torch.Tensor:
        if self.length is not None:
            return constant_length(losses, mask, length=self.length)
        return REDUCTIONS[self.mean](losses, mask)


@dataclass(frozen=True, slots=True)
class Supervised:
    """Cross entropy on the targets; a row's `weight` among its extras multiplies its loss."""

    mean: Mean = "token"

    @property
    def per(self) -> Per:
        return "token" if self.mean == "token" else "row"

    @property
    def reference(self) -> bool:
        return False

    def __call__(self, logprobs: torch.Tensor, batch: Batch) -> Loss:
        given = [extras.get("weight", 1.0) for extras in batch.extras]
        weights = torch.tensor(given, device=logprobs.device)[:, None].expand(logprobs.shape)
        return supervised_loss(
            logprobs, batch.loss_mask, weights=weights, reduce=REDUCTIONS[self.mean]
        )


@dataclass(frozen=True, slots=True)
class Preference:
    """A member of the DPO family over preference pairs; see `preference_loss`."""

    kind: Kind = "dpo"
    beta: float = 0.1
    margins: bool = False
    """Whether a pair's `margin` is to be kept between the two."""
    nll: float = 0.0
    """Weight of the likelihood of chosen completions, a mean over their tokens (RPO)."""

    @property
    def per(self) -> Per:
        return "row"

    @property
    def reference(self) -> bool:
        return self.kind not in WITHOUT_REFERENCE

    def __call__(self, logprobs: torch.Tensor, batch: Batch) -> Loss:
        if len(logprobs) % 2:
            raise ValueError(f"{len(logprobs)} rows are no pairs: give preference pairs alone")
        reference = _reference(batch) if self.reference else None

        def side(first: int) -> Completions:
            known = None if reference is None else reference[first::2]
            return Completions(logprobs[first::2], batch.loss_mask[first::2], known)

        margin = batch.extra("margin")[::2] if self.margins else None
        chosen = side(0)
        loss, measures = preference_loss(
            chosen, side(1), kind=self.kind, beta=self.beta, margin=margin
        )
        if self.nll:
            likelihood, more = supervised_loss(
                chosen.logprobs, chosen.loss_mask, reduce=sequence_mean
            )
            loss, measures = loss + self.nll * likelihood, measures | more
        return loss, measures


@dataclass(frozen=True, slots=True)
class NFT:
    """Negative-aware fine-tuning. Rows carry `right` (0 or 1) and their task's `share_right`."""

    negative_weight: float = 1.0
    prompt_weight: Literal["none", "dr_grpo", "grpo"] = "dr_grpo"
    floor: float = 1.0
    mean: Mean = "token"

    @property
    def per(self) -> Per:
        return "token" if self.mean == "token" else "row"

    @property
    def reference(self) -> bool:
        return False

    def __call__(self, logprobs: torch.Tensor, batch: Batch) -> Loss:
        return nft_loss(
            logprobs,
            batch.old_logprobs,
            batch.extra("right") > 0,
            batch.extra("share_right"),
            batch.loss_mask,
            negative_weight=self.negative_weight,
            prompt_weight=self.prompt_weight,
            floor=self.floor,
            reduce=REDUCTIONS[self.mean],
        )


def _reference(batch: Batch) -> torch.Tensor:
    if batch.reference_logprobs is None:
        raise ValueError("the objective needs reference log-probabilities, and the rows have none")
    return batch.reference_logprobs
