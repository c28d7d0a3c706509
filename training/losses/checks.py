"""What every loss asks of its tensors: one shape, finite where trained, something to train.

Tokens outside the mask are set to zero at the door. A NaN or an infinity there (padding, a first
token that nothing predicts) thus reaches neither the loss nor, through 0 x inf, a gradient.
"""

from __future__ import annotations

import torch

Measures = dict[str, torch.Tensor]
"""Named scalars, detached, on the loss's device: reading one is left to whoever logs it."""
Loss = tuple[torch.Tensor, Measures]


def as_mask(loss_mask: torch.Tensor, name: str = "loss_mask") -> torch.Tensor:
    """The mask as booleans of shape (rows, tokens).

    Raises:
        ValueError: another number of dimensions, a value other than 0 and 1, or no token at all.
    """
    if loss_mask.dim() != 2:
        raise ValueError(f"{name} has shape {_shape(loss_mask)}; a mask is (rows, tokens)")
    mask = loss_mask.bool()
    if loss_mask.dtype != torch.bool and bool((mask.to(loss_mask.dtype) != loss_mask).any()):
        odd = loss_mask[mask.to(loss_mask.dtype) != loss_mask][0].item()
        raise ValueError(f"{name} holds {odd}; a mask is 0 or 1, and weights are given as weights")
    if not bool(mask.any()):
        raise ValueError(f"{name} of shape {_shape(loss_mask)} leaves nothing to train")
    return mask


def where_trained(name: str, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The values, zero outside the mask, in at least 32 bits.

    Raises:
        ValueError: another shape than the mask's, or a trained value that is not finite.
    """
    if values.shape != mask.shape:
        raise ValueError(f"{name} has shape {_shape(values)}, the mask {_shape(mask)}")
    return at_least_float(finite(name, values.masked_fill(~mask, 0)))


def constant(name: str, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """As `where_trained`, for what no gradient may flow into."""
    return where_trained(name, values.detach(), mask)


def finite(name: str, values: torch.Tensor) -> torch.Tensor:
    """The values.

    Raises:
        ValueError: one is NaN or infinite.
    """
    bad = ~torch.isfinite(values)
    if bool(bad.any()):
        place = bad.nonzero()[0].tolist()
        raise ValueError(f"{name} holds {values[tuple(place)].item()} at {place}")
    return values


def at_least_float(values: torch.Tensor) -> torch.Tensor:
    """Half precision and integers as 32-bit floats; the exponential of a bfloat16 is too coarse."""
    wide = values.dtype in (torch.float32, torch.float64)
    return values if wide else values.float()


def one_a_row(name: str, values: torch.Tensor, rows: int) -> torch.Tensor:
    """The values, of shape (rows,), finite and in at least 32 bits.

    Raises:
        ValueError: another shape, or a value that is not finite.
    """
    if values.shape != (rows,):
        raise ValueError(f"{name} has shape {_shape(values)}; expected one a row: ({rows},)")
    return at_least_float(finite(name, values))


def not_negative(name: str, number: float) -> None:
    """Raises ValueError when the number is negative, infinite or NaN."""
    if not 0 <= number < float("inf"):
        raise ValueError(f"{name} is {number}; it must be finite and not negative")


def positive(name: str, number: float) -> None:
    """Raises ValueError when the number is not above 0, infinite or NaN."""
    if not 0 < number < float("inf"):
        raise ValueError(f"{name} is {number}; it must be finite and above 0")


def mean_over(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """A measure: the detached mean of the values in the mask, 0 of none."""
    chosen = values.detach().masked_fill(~mask, 0).sum(dtype=torch.float32)
    return chosen / mask.sum().clamp(min=1)


def _shape(values: torch.Tensor) -> tuple[int, ...]:
    return tuple(values.shape)
