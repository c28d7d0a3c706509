"""One pass of a causal model over a layout: the log-probability of each trained token."""

from __future__ import annotations

from typing import Any

import torch

from ..losses.logprobs import chosen_logprobs
from .batch import Layout

SHARES = ("sdpa", "eager")
"""Attention implementations that take a mask of four dimensions."""


def trained_logprobs(
    model: Any, layout: Layout, loss_mask: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    """The log-probability of each trained token under the model, with gradient where that is on.

    Only positions that predict a trained token reach the output layer: a hook drops the others
    before it, so whatever the model does to its logits afterwards (scaling, capping) stays.

    Args:
        model: a causal language model of transformers, wrapped or not.
        layout: what it reads.
        loss_mask: (rows, tokens), True where a trained token is, in the layout's order.
        temperature: that the tokens were sampled at.

    Returns:
        (rows, tokens), 0 outside the mask.
    """

    def keep(_: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        hidden = given[0]
        return (hidden.reshape(-1, hidden.shape[-1])[layout.predictors].unsqueeze(0), *given[1:])

    head = _unwrapped(model).get_output_embeddings()
    hook = head.register_forward_pre_hook(keep)
    try:
        logits = model(
            input_ids=layout.ids,
            position_ids=layout.positions,
            attention_mask=layout.mask,
            use_cache=False,
        ).logits
    finally:
        hook.remove()
    found = chosen_logprobs(logits[0], layout.at, layout.targets, temperature)
    laid = torch.zeros(loss_mask.shape, dtype=found.dtype, device=found.device)
    return laid.masked_scatter(loss_mask, found)


def require_shareable(model: Any) -> None:
    """Make sure that rows with a shared beginning may be computed together.

    Raises:
        ValueError: the model's attention takes no mask of ours, or has a memory that is not
            attention; the message says what to set.
    """
    config = _unwrapped(model).config
    how = getattr(config, "_attn_implementation", None)
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    if how in SHARES and not window and not kinds:
        return
    reason = f"its attention is {how!r}" if how not in SHARES else "not all its layers attend fully"
    raise ValueError(f"this model cannot share beginnings ({reason}): set share_prefixes=False")


def _unwrapped(model: Any) -> Any:
    """The model inside DistributedDataParallel and its like."""
    return model.module if hasattr(model, "module") else model
