"""Ratios of two policies' probabilities, taken in logarithms and bounded there."""

from __future__ import annotations

from typing import Literal

import torch

Level = Literal["token", "sequence_mean", "sequence"]
LIMIT = 20.0
"""Nats. Past it a ratio is 5e8 or its inverse: only noise, and close to where a float overflows and
the gradient of a clipped infinity becomes NaN."""


def bounded(log_ratio: torch.Tensor) -> torch.Tensor:
    """The logarithm of a ratio, held within +-LIMIT; beyond it there is no gradient."""
    return log_ratio.clamp(-LIMIT, LIMIT)


def log_ratios(log_ratio: torch.Tensor, mask: torch.Tensor, level: Level) -> torch.Tensor:
    """Each token's log-ratio at the level asked for, bounded, of shape (rows, tokens).

    Args:
        log_ratio: Each token's own, 0 where the mask is False.
        mask: True where trained.
        level: `token`: its own (PPO). `sequence`: the sum over its row, the true ratio of the whole
            completion (RLOO). `sequence_mean`: the mean over its row (GSPO, Zheng et al. 2025,
            arXiv 2507.18071, eq. 7).

    Raises:
        ValueError: a level of another name.
    """
    match level:
        case "token":
            return bounded(log_ratio)
        case "sequence":
            return bounded(log_ratio.sum(-1, keepdim=True)).expand_as(log_ratio)
        case "sequence_mean":
            mean = log_ratio.sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
            return bounded(mean).expand_as(log_ratio)
        case _:
            raise ValueError(f"no level {level!r}; there are token, sequence and sequence_mean")
