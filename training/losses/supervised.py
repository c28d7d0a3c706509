"""Supervised fine-tuning: the negative log-likelihood of the tokens in the mask.

What a method teaches is in the mask (Agent-R trains the revision and not the errors before it; ISC,
S3c-Math and AskToAct hide the wrong step) and in the weights (CodeRL's critic, SELF's mixture).
"""

from __future__ import annotations

import torch

from .checks import Loss, as_mask, constant, mean_over, where_trained
from .reductions import Reduction, token_mean


def supervised_loss(
    logprobs: torch.Tensor,
    loss_mask: torch.Tensor,
    *,
    weights: torch.Tensor | None = None,
    reduce: Reduction = token_mean,
) -> Loss:
    """The mean of -log p.

    Args:
        logprobs: The policy's, (rows, tokens).
        loss_mask: True where the token is a target.
        weights: Multiplies each token's loss; a constant. The divisor stays the token count.
        reduce: From tokens to one number.

    Returns:
        The loss, and `nll`, the unweighted mean over targets in nats.

    Raises:
        ValueError: shapes differ, a trained value is not finite, or nothing is trained.
    """
    mask = as_mask(loss_mask)
    losses = -where_trained("logprobs", logprobs, mask)
    nll = mean_over(losses, mask)
    if weights is not None:
        losses = losses * constant("weights", weights, mask)
    return reduce(losses, mask), {"nll": nll}
