"""The policy gradient: raise what did better than expected, no further than the samples can tell.

Loss of a token with advantage A and ratio r = policy / old policy: -min(r A, clip(r) A), where clip
holds r in [1 - low, 1 + high] (PPO, Schulman et al. 2017, arXiv 1707.06347, eq. 7; a wider `high`
is DAPO's clip-higher, arXiv 2503.14476, eq. 10). With `dual`, a token with A < 0 costs at most
-dual A (Ye et al. 2020, arXiv 1912.09729). A token that another policy wrote has no ratio: its loss
is -A p / (p + c), which learns most from what the policy finds unlikely (LUFFY, Yan et al. 2025,
arXiv 2504.14945; Critique-GRPO, arXiv 2506.03106).

GRPO, RLOO, Dr. GRPO, DAPO, GSPO and REINFORCE++ are this with another advantage, level or
reduction.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .checks import Loss, as_mask, constant, mean_over, positive, where_trained
from .ratios import Level, log_ratios
from .reductions import Reduction, token_mean

OFF_POLICY_CONSTANT = 0.1
"""Of Critique-GRPO and LUFFY."""


@dataclass(frozen=True, slots=True)
class Clip:
    """How far a ratio may move before its gradient stops."""

    low: float = 0.2
    """Below 1; at most 1."""
    high: float = 0.2
    """Above 1. DAPO: 0.28."""
    dual: float | None = None
    """The most that a ratio counts for where the advantage is negative; above 1 + high.
    DemyAgent: 10, THOR: 3."""

    def __post_init__(self) -> None:
        """Raises ValueError when a bound cannot hold."""
        if not 0 <= self.low <= 1:
            raise ValueError(f"low is {self.low}; it must lie in [0, 1]")
        if not 0 <= self.high < float("inf"):
            raise ValueError(f"high is {self.high}; it must be finite and not negative")
        if self.dual is not None and not 1 + self.high < self.dual < float("inf"):
            raise ValueError(f"dual is {self.dual}; it must be above 1 + high = {1 + self.high}")


PPO_CLIP = Clip()


def policy_loss(
    logprobs: torch.Tensor,
    old_logprobs: torch.Tensor,
    advantages: torch.Tensor,
    loss_mask: torch.Tensor,
    *,
    clip: Clip | None = PPO_CLIP,
    level: Level = "token",
    weights: torch.Tensor | None = None,
    off_policy: torch.Tensor | None = None,
    off_policy_constant: float = OFF_POLICY_CONSTANT,
    reduce: Reduction = token_mean,
) -> Loss:
    """The clipped policy-gradient loss. All-zero advantages are a loss of zero.

    Args:
        logprobs: The policy's, (rows, tokens), with gradient.
        old_logprobs: Of the policy that sampled, constants. `logprobs.detach()` is REINFORCE.
        advantages: (rows, tokens), constants.
        loss_mask: True where trained.
        clip: None leaves the ratio as it is.
        level: What the ratio is taken over: a token, or its whole row.
        weights: Multiplies each token's loss, as `importance_weights` and `clip_cov_weights` give
            them.
        off_policy: True where another policy wrote the token; it has no part in ratios and clips.
        off_policy_constant: c of p / (p + c).
        reduce: From tokens to one number.

    Returns:
        The loss, and over the trained tokens that the policy wrote: `ratio` (mean), `ratio_max`,
        `clip_low`, `clip_high`, `clip_dual` (share of tokens whose gradient the clip stops) and
        `kl_old` (k3 of the old policy and this one).

    Raises:
        ValueError: shapes differ, a trained value is not finite, nothing is trained, a bound or
            level that cannot be.
    """
    mask = as_mask(loss_mask)
    policy = where_trained("logprobs", logprobs, mask)
    earned = constant("advantages", advantages, mask)
    own = mask if off_policy is None else mask & ~_marks(off_policy, mask)
    old = constant("old_logprobs", old_logprobs, own)
    logs = log_ratios((policy - old).masked_fill(~own, 0), own, level)
    ratio = logs.exp()

    losses, stopped = _clipped(ratio, earned, clip)
    if off_policy is not None:
        positive("off_policy_constant", off_policy_constant)
        probability = policy.exp()
        shaped = -earned * probability / (probability + off_policy_constant)
        losses = torch.where(own, losses, shaped)
    if weights is not None:
        losses = losses * where_trained("weights", weights, mask)

    ratio = ratio.detach()
    return reduce(losses, mask), {
        "ratio": mean_over(ratio, own),
        "ratio_max": ratio.masked_fill(~own, 0).max(),
        "kl_old": mean_over(ratio - 1 - logs.detach(), own),
        **{name: mean_over(where, own) for name, where in stopped.items()},
    }


def _clipped(
    ratio: torch.Tensor, advantages: torch.Tensor, clip: Clip | None
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Each token's loss, and where each bound stopped it."""
    if clip is None:
        none = torch.zeros_like(ratio, dtype=torch.bool)
        return -ratio * advantages, {"clip_low": none, "clip_high": none, "clip_dual": none}
    held = ratio.clamp(1 - clip.low, 1 + clip.high)
    counted = ratio if clip.dual is None else ratio.clamp(max=clip.dual)
    up, down = advantages > 0, advantages < 0
    return -torch.min(counted * advantages, held * advantages), {
        "clip_low": down & (ratio < 1 - clip.low),
        "clip_high": up & (ratio > 1 + clip.high),
        "clip_dual": down & (ratio > counted),
    }


def _marks(off_policy: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    if off_policy.dtype != torch.bool or off_policy.shape != mask.shape:
        raise ValueError(
            f"off_policy is {off_policy.dtype} of shape {tuple(off_policy.shape)}; "
            f"expected booleans of the mask's shape {tuple(mask.shape)}"
        )
    return off_policy
