"""Clip-Cov: leave out a few of the tokens that drive entropy down.

Entropy falls with the covariance of log-probability and advantage over tokens: most with likely
tokens that did well. A random small share of the tokens whose own term lies in a band is left out
of the step (Cui et al. 2025, arXiv 2505.22617; SPEAR, arXiv 2509.22601).
"""

from __future__ import annotations

import torch

from .checks import Measures, as_mask, constant, mean_over
from .policy import PPO_CLIP, Clip
from .ratios import bounded


def clip_cov_weights(
    logprobs: torch.Tensor,
    old_logprobs: torch.Tensor,
    advantages: torch.Tensor,
    loss_mask: torch.Tensor,
    *,
    low: float,
    high: float,
    share: float,
    generator: torch.Generator,
    clip: Clip = PPO_CLIP,
) -> tuple[torch.Tensor, Measures]:
    """Weights for `policy_loss`: 0 on the tokens left out, 1 on the others.

    Args:
        logprobs: The policy's, (rows, tokens).
        old_logprobs: Of the policy that sampled.
        advantages: (rows, tokens).
        loss_mask: True where trained.
        low: A token's (A - mean A)(log p - mean log p) must be above it. SPEAR: 1.
        high: And below it. SPEAR: 40.
        share: Of the trained tokens, how many are left out at most, rounded down but at least one
            where the band holds any. SPEAR: 0.02.
        generator: Draws among the tokens in the band.
        clip: Tokens that it stops already are not drawn.

    Returns:
        (rows, tokens), 1 outside the mask; and `clip_cov`, the share of trained tokens left out.

    Raises:
        ValueError: shapes differ, a trained value is not finite, nothing is trained, an empty band,
            or a share outside (0, 1].
    """
    if not low < high:
        raise ValueError(f"the band of covariances ({low}, {high}) is empty")
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must lie in (0, 1]")
    mask = as_mask(loss_mask)
    policy = constant("logprobs", logprobs, mask)
    earned = constant("advantages", advantages, mask)
    ratio = bounded(policy - constant("old_logprobs", old_logprobs, mask)).exp()
    stopped = ((earned > 0) & (ratio > 1 + clip.high)) | ((earned < 0) & (ratio < 1 - clip.low))

    covariance = (earned - mean_over(earned, mask)) * (policy - mean_over(policy, mask))
    band = mask & ~stopped & (covariance > low) & (covariance < high)
    places = band.nonzero()
    drawn = torch.randperm(len(places), generator=generator)[: max(1, int(share * mask.sum()))]
    rows, tokens = places[drawn.to(places.device)].unbind(-1)
    weights = torch.ones_like(policy)
    weights[rows, tokens] = 0
    return weights, {"clip_cov": mean_over(weights == 0, mask)}
