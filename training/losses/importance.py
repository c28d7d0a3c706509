"""Weights for samples that came from another distribution than the one that is improved.

The engine that samples and the trainer that updates disagree a little on every log-probability
(other kernels, other precision, older weights). The ratio trainer / sampler puts that right; its
tail is cut or dropped, since one large ratio would rule the step (truncated importance sampling:
Espeholt et al. 2018, IMPALA, arXiv 1802.01561; Yao et al. 2025, "Your Efficient RL Framework
Secretly Brings You Off-Policy RL Training").
"""

from __future__ import annotations

from typing import Literal

import torch

from .checks import Measures, as_mask, constant, mean_over, positive
from .ratios import Level, log_ratios


def importance_weights(
    logprobs: torch.Tensor,
    sampler_logprobs: torch.Tensor,
    loss_mask: torch.Tensor,
    *,
    cap: float,
    beyond: Literal["truncate", "drop"] = "truncate",
    level: Level = "token",
) -> tuple[torch.Tensor, Measures]:
    """The weight of each token, a constant.

    Args:
        logprobs: Under the weights that `old_logprobs` are counted from, (rows, tokens).
        sampler_logprobs: As the engine recorded them.
        loss_mask: True where trained.
        cap: The largest weight.
        beyond: `truncate` holds a larger ratio at the cap; `drop` gives it weight 0.
        level: Ratios of tokens, or of whole rows.

    Returns:
        (rows, tokens), 0 outside the mask; and `importance` (mean weight), `importance_max`
        (largest ratio), `importance_beyond` (share of tokens past the cap), `mismatch` (mean of
        |difference| in nats).

    Raises:
        ValueError: shapes differ, a trained value is not finite, nothing is trained, a cap not
            above 0, or another word for `beyond` or `level`.
    """
    positive("cap", cap)
    mask = as_mask(loss_mask)
    difference = constant("logprobs", logprobs, mask) - constant(
        "sampler_logprobs", sampler_logprobs, mask
    )
    ratio = log_ratios(difference, mask, level).exp().masked_fill(~mask, 0)
    match beyond:
        case "truncate":
            weights = ratio.clamp(max=cap)
        case "drop":
            weights = ratio.masked_fill(ratio > cap, 0)
        case _:
            raise ValueError(f"beyond is {beyond!r}; it is truncate or drop")
    return weights, {
        "importance": mean_over(weights, mask),
        "importance_max": ratio.max(),
        "importance_beyond": mean_over(ratio > cap, mask),
        "mismatch": mean_over(difference.abs(), mask),
    }
