"""How far the policy is from a reference, in the loss or in the reward.

The estimators are Schulman's (2020, "Approximating KL Divergence"), with d = log policy - log
reference of the sampled token: k1 = d, k2 = d^2 / 2, k3 = exp(-d) - 1 + d. As values all three
estimate the divergence (k1 and k3 without bias). As losses they differ: on the policy's own samples
the gradient of k2 is that of KL(policy || reference), k1's has mean zero, and k3's is that of the
forward divergence (Tang and Munos 2025, arXiv 2506.09477). k1 therefore belongs in the reward.
"""

from __future__ import annotations

from typing import Literal

import torch

from .checks import Loss, Measures, as_mask, constant, mean_over, not_negative, where_trained
from .ratios import bounded
from .reductions import Reduction, token_mean

Estimator = Literal["k1", "k2", "k3"]


def kl_per_token(
    logprobs: torch.Tensor, reference_logprobs: torch.Tensor, estimator: Estimator
) -> torch.Tensor:
    """The estimate at each token; all three are 0 where policy and reference agree.

    Raises:
        ValueError: an estimator of another name.
    """
    difference = logprobs - reference_logprobs
    match estimator:
        case "k1":
            return difference
        case "k2":
            return difference**2 / 2
        case "k3":
            back = bounded(-difference)
            return back.exp() - 1 - back
        case _:
            raise ValueError(f"no KL estimator {estimator!r}; there are k1, k2 and k3")


def kl_loss(
    logprobs: torch.Tensor,
    reference_logprobs: torch.Tensor,
    loss_mask: torch.Tensor,
    *,
    estimator: Estimator = "k3",
    weights: torch.Tensor | None = None,
    reduce: Reduction = token_mean,
) -> Loss:
    """The divergence from the reference, to be added to a loss times its coefficient.

    Args:
        logprobs: The policy's, (rows, tokens).
        reference_logprobs: The reference's, same shape; constants.
        loss_mask: True where trained. SCoRe anchors one turn by masking the others.
        estimator: k3 is GRPO's (arXiv 2402.03300, eq. 4).
        weights: Multiplies each token's estimate. The importance ratio, with its gradient, corrects
            k3 for samples of an older policy (DeepSeek-V3.2).
        reduce: From tokens to one number.

    Returns:
        The loss, and `kl`, the mean over trained tokens.
    """
    mask = as_mask(loss_mask)
    policy = where_trained("logprobs", logprobs, mask)
    reference = constant("reference_logprobs", reference_logprobs, mask)
    estimates = kl_per_token(policy, reference, estimator)
    if weights is not None:
        estimates = estimates * where_trained("weights", weights, mask)
    return reduce(estimates, mask), {"kl": mean_over(estimates, mask)}


def kl_in_reward(
    rewards: torch.Tensor,
    logprobs: torch.Tensor,
    reference_logprobs: torch.Tensor,
    loss_mask: torch.Tensor,
    *,
    coefficient: float,
    estimator: Estimator = "k1",
) -> tuple[torch.Tensor, Measures]:
    """Rewards less a penalty at every token (RLHF, Ouyang et al. 2022, arXiv 2203.02155, eq. 2).

    Args:
        rewards: (rows, tokens), 0 where nothing was earned; `at_last_token` places a row's.
        logprobs: Of the policy that sampled, (rows, tokens).
        reference_logprobs: The reference's.
        loss_mask: True where trained.
        coefficient: Reward that one nat costs.
        estimator: k1 is that of REINFORCE++ and CoMAS.

    Returns:
        The rewards, constants, 0 outside the mask; and `kl`, the mean over trained tokens.
    """
    not_negative("coefficient", coefficient)
    mask = as_mask(loss_mask)
    policy = constant("logprobs", logprobs, mask)
    reference = constant("reference_logprobs", reference_logprobs, mask)
    estimates = kl_per_token(policy, reference, estimator)
    left = constant("rewards", rewards, mask) - coefficient * estimates
    return left, {"kl": mean_over(estimates, mask)}


def at_last_token(rewards: torch.Tensor, loss_mask: torch.Tensor) -> torch.Tensor:
    """A reward for each row, placed on the row's last trained token.

    Args:
        rewards: (rows,).
        loss_mask: (rows, tokens).

    Returns:
        (rows, tokens), 0 elsewhere and in rows without a trained token.
    """
    mask = as_mask(loss_mask)
    if rewards.shape != mask.shape[:1]:
        raise ValueError(f"rewards have shape {tuple(rewards.shape)} for {len(mask)} rows")
    places = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    last = places.masked_fill(~mask, -1).max(-1, keepdim=True).values
    spread = rewards.unsqueeze(-1).expand(mask.shape)
    return constant("rewards", spread.masked_fill(places != last, 0), mask)
