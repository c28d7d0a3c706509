"""NFT: negative-aware fine-tuning, where wrong answers are data too.

Chen et al. 2025, arXiv 2505.18116. The old policy splits into its right and its wrong answers: old
= q right + (1 - q) wrong, with q the share right. A model of the right ones therefore implies one
of the wrong ones, and both are trained by likelihood. With rho = policy / old policy, a right
token's loss is -log rho and a wrong token's is -log((1 - q rho) / (1 - q)). At rho = 1 the gradient
is GRPO's.
"""

from __future__ import annotations

from typing import Literal

import torch

from .checks import Loss, as_mask, constant, finite, mean_over, not_negative, where_trained
from .reductions import Reduction, token_mean

LOG_RATIO_LIMIT = 10.0
SHARE_LIMITS = (0.02, 0.98)
"""q is held within them, so that no divisor is near 0. Both from NVlabs/NFT."""


def nft_loss(
    logprobs: torch.Tensor,
    old_logprobs: torch.Tensor,
    right: torch.Tensor,
    share_right: torch.Tensor,
    loss_mask: torch.Tensor,
    *,
    negative_weight: float = 1.0,
    prompt_weight: Literal["none", "dr_grpo", "grpo"] = "dr_grpo",
    floor: float = 1.0,
    reduce: Reduction = token_mean,
) -> Loss:
    """The likelihood loss of right and wrong answers.

    Args:
        logprobs: The policy's, (rows, tokens).
        old_logprobs: Of the policy that sampled, constants.
        right: (rows,), True where the answer was right.
        share_right: (rows,), the share of right answers to the row's question; q.
        loss_mask: True where trained.
        negative_weight: Of wrong answers; 0 is rejection fine-tuning.
        prompt_weight: Of a question: `dr_grpo` is 1 - q, `grpo` sqrt((1 - q) / q), `none` 1. Named
            after the method whose gradient it gives on-policy.
        floor: The least value of a wrong token's implied ratio. The value is held there, the
            gradient passes.
        reduce: From tokens to one number; NFT's code divides the sum by 1000.

    Returns:
        The loss, and `ratio` and `floored` (share of wrong trained tokens at the floor).

    Raises:
        ValueError: shapes differ, a trained value is not finite, nothing is trained, a share
            outside [0, 1], or another word for `prompt_weight`.
    """
    not_negative("negative_weight", negative_weight)
    if not 0 < floor <= 1:
        raise ValueError(f"floor is {floor}; it must lie in (0, 1]")
    mask = as_mask(loss_mask)
    rows = mask.shape[:1]
    if right.shape != rows or right.dtype != torch.bool:
        raise ValueError(f"right is {right.dtype} of shape {tuple(right.shape)}; expected {rows}")
    q = _shares(share_right, rows)
    difference = where_trained("logprobs", logprobs, mask) - constant(
        "old_logprobs", old_logprobs, mask
    )
    logs = difference.clamp(max=LOG_RATIO_LIMIT)
    ratio = logs.exp()
    implied = (1 - q * ratio) / (1 - q)
    held = implied + (implied.clamp(min=floor) - implied).detach()
    losses = torch.where(right.unsqueeze(-1), -logs, -negative_weight * held.log())
    wrong = mask & ~right.unsqueeze(-1)
    return reduce(losses * _prompt(q, prompt_weight), mask), {
        "ratio": mean_over(ratio, mask),
        "floored": mean_over(implied < floor, wrong),
    }


def _shares(share_right: torch.Tensor, rows: torch.Size) -> torch.Tensor:
    """q of shape (rows, 1), within its limits."""
    if share_right.shape != rows:
        raise ValueError(
            f"share_right has shape {tuple(share_right.shape)}; expected {tuple(rows)}"
        )
    outside = (finite("share_right", share_right) < 0) | (share_right > 1)
    if bool(outside.any()):
        raise ValueError(
            f"share_right holds {share_right[outside][0].item()}; a share is in [0, 1]"
        )
    return share_right.detach().clamp(*SHARE_LIMITS).unsqueeze(-1)


def _prompt(q: torch.Tensor, kind: str) -> torch.Tensor:
    match kind:
        case "none":
            return torch.ones_like(q)
        case "dr_grpo":
            return 1 - q
        case "grpo":
            return ((1 - q) / q).sqrt()
        case _:
            raise ValueError(f"prompt_weight is {kind!r}; it is none, dr_grpo or grpo")
