"""Positive NLL: besides the policy gradient, imitate what went well.

The negative log-likelihood of the tokens with an advantage above 0, added with a small weight
(VAPO, Yue et al. 2025, arXiv 2504.05118; 0.01 in THOR, arXiv 2509.13761; 0.05 on forced rethinks in
VL-Rethinker, arXiv 2504.08837).
"""

from __future__ import annotations

import torch

from .checks import Loss, as_mask, constant, mean_over, where_trained
from .reductions import Reduction, token_mean


def positive_nll_loss(
    logprobs: torch.Tensor,
    advantages: torch.Tensor,
    loss_mask: torch.Tensor,
    *,
    reduce: Reduction = token_mean,
) -> Loss:
    """The mean of -log p over tokens with a positive advantage, 0 where there is none.

    Args:
        logprobs: The policy's, (rows, tokens).
        advantages: (rows, tokens).
        loss_mask: True where trained.
        reduce: From the positive tokens to one number.

    Returns:
        The loss, and `positive`, the share of trained tokens with a positive advantage.

    Raises:
        ValueError: shapes differ, a trained value is not finite, or nothing is trained.
    """
    mask = as_mask(loss_mask)
    losses = -where_trained("logprobs", logprobs, mask)
    good = constant("advantages", advantages, mask) > 0
    return reduce(losses, mask & good), {"positive": mean_over(good, mask)}
