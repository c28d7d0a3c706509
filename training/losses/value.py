"""Value regression: what a state is worth, and what each step was worth of the whole.

`value_loss` is PPO's critic loss, half the squared error, with the larger of two errors where a
prediction moved far from the old one (Schulman et al. 2017; Huang et al. 2022, "The 37
implementation details of PPO", detail 9). `sum_to_return_loss` asks only that a row's contributions
add up to its return (SPA-RL, Wang et al. 2025, arXiv 2505.20732).
"""

from __future__ import annotations

import torch

from .checks import Loss, as_mask, constant, mean_over, one_a_row, positive, where_trained
from .reductions import Reduction, token_mean


def value_loss(
    values: torch.Tensor,
    returns: torch.Tensor,
    loss_mask: torch.Tensor,
    *,
    old_values: torch.Tensor | None = None,
    clip: float | None = None,
    reduce: Reduction = token_mean,
) -> Loss:
    """Half the squared error of predictions.

    Args:
        values: Predictions, (rows, tokens).
        returns: Targets, constants.
        loss_mask: True where trained.
        old_values: Predictions when the samples were made; needed with `clip`, and only then.
        clip: How far a prediction may move from the old one; None: as far as it likes.
        reduce: From tokens to one number.

    Returns:
        The loss, and `value` (mean), `value_error` (mean |error|) and `explained` (1 - the error's
        variance over the returns', 0 where the returns do not vary).

    Raises:
        ValueError: shapes differ, a trained value is not finite, nothing is trained, or only one of
            `clip` and `old_values` is given.
    """
    if (clip is None) != (old_values is None):
        raise ValueError(f"clip is {clip}: it goes together with old_values")
    mask = as_mask(loss_mask)
    predicted = where_trained("values", values, mask)
    targets = constant("returns", returns, mask)
    errors = (predicted - targets) ** 2
    if clip is not None and old_values is not None:
        positive("clip", clip)
        old = constant("old_values", old_values, mask)
        near = old + (predicted - old).clamp(-clip, clip)
        errors = torch.max(errors, (near - targets) ** 2)
    left = predicted.detach() - targets
    return reduce(errors / 2, mask), {
        "value": mean_over(predicted, mask),
        "value_error": mean_over(left.abs(), mask),
        "explained": _explained(left[mask], targets[mask]),
    }


def sum_to_return_loss(
    contributions: torch.Tensor, returns: torch.Tensor, turn_mask: torch.Tensor
) -> Loss:
    """The mean over rows of (sum of contributions - return)^2.

    Args:
        contributions: Predictions, (rows, tokens).
        returns: (rows,), constants.
        turn_mask: True where a turn ends; the other positions predict nothing.

    Returns:
        The loss, and `value_error`, the mean |error|.

    Raises:
        ValueError: shapes differ, a value is not finite, or a row has no turn.
    """
    mask = as_mask(turn_mask, "turn_mask")
    if not bool(mask.any(-1).all()):
        raise ValueError(f"row {(~mask.any(-1)).nonzero()[0].item()} of turn_mask has no turn")
    summed = where_trained("contributions", contributions, mask).sum(-1)
    errors = summed - one_a_row("returns", returns, len(mask)).detach()
    return (errors**2).mean(), {"value_error": errors.detach().abs().mean()}


def _explained(left: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    spread = targets.var(unbiased=False)
    return torch.where(spread > 0, 1 - left.var(unbiased=False) / spread.clamp(min=1e-12), 0.0)
