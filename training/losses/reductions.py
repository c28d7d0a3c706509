"""From a loss for each token to one number: the choices over which papers differ.

Lengths weigh differently in each. A token mean gives every token the same say (DAPO); a mean of row
means gives every row the same say (GRPO), so a token of a long row has less; a constant divisor
keeps the sum's direction whatever the lengths (Dr. GRPO). Rows without a trained token are padding
and do not count. When a batch is cut into micro-batches, `total` is the divisor of the whole
update: the parts then add up to what one batch would have given.
"""

from __future__ import annotations

from typing import Protocol

import torch

from .checks import positive


class Reduction(Protocol):
    """Set options with `functools.partial`: `partial(constant_length, length=4096)`."""

    def __call__(self, losses: torch.Tensor, mask: torch.Tensor, /) -> torch.Tensor:
        """One number of the trained tokens' losses."""
        ...


def token_mean(
    losses: torch.Tensor, mask: torch.Tensor, /, total: float | None = None
) -> torch.Tensor:
    """The mean over trained tokens (DAPO, Yu et al. 2025, arXiv 2503.14476, eq. 8).

    Args:
        losses: One a token.
        mask: True where trained.
        total: What to divide by instead of this batch's trained tokens: those of the whole update,
            or a constant (1000 in NFT's code, the longest response in Critique-GRPO's).
    """
    return _kept(losses, mask).sum() / _divisor(total, mask.sum())


def sequence_mean(
    losses: torch.Tensor, mask: torch.Tensor, /, total: float | None = None
) -> torch.Tensor:
    """The mean over rows of each row's token mean (GRPO, arXiv 2402.03300, eq. 3).

    Args:
        losses: One a token.
        mask: True where trained.
        total: The rows of the whole update; this batch's rows by default.
    """
    means = _kept(losses, mask).sum(-1) / mask.sum(-1).clamp(min=1)
    return means.sum() / _divisor(total, mask.any(-1).sum())


def sequence_sum(
    losses: torch.Tensor, mask: torch.Tensor, /, total: float | None = None
) -> torch.Tensor:
    """The mean over rows of each row's sum: the likelihood of whole rows (REINFORCE).

    Args:
        losses: One a token.
        mask: True where trained.
        total: The rows of the whole update; this batch's rows by default.
    """
    return _kept(losses, mask).sum() / _divisor(total, mask.any(-1).sum())


def constant_length(
    losses: torch.Tensor, mask: torch.Tensor, /, length: float, total: float | None = None
) -> torch.Tensor:
    """As `sequence_sum`, divided by a fixed length (Dr. GRPO, Liu et al. 2025, arXiv 2503.20783).

    Args:
        losses: One a token.
        mask: True where trained.
        length: Tokens that a completion may have at most, the same in every update.
        total: The rows of the whole update; this batch's rows by default.
    """
    positive("length", length)
    return sequence_sum(losses, mask, total) / length


def _kept(losses: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return losses.masked_fill(~mask, 0)


def _divisor(total: float | None, here: torch.Tensor) -> torch.Tensor | float:
    if total is None:
        return here.clamp(min=1)
    positive("total", total)
    return total
