"""One pass of a causal model over a layout: the log-probability of each trained token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..losses.logprobs import chosen_logprobs
from ..sample import Row
from .batch import Batch, Layout, collate
from .lines import Line, Unit, unit

SHARES = ("sdpa", "eager")
"""Attention implementations that take a mask of four dimensions."""
WHOLE = {"full_attention", "global"}
"""Kinds of layers that see all that came before."""
STRETCHED = {"longrope", "dynamic"}
"""Kinds of rotations that depend on the longest row beside."""
NEAR = 1e-2
"""Nats by which a row may differ when it is computed with others."""


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
            attention_mask=_readable(layout.mask, model),
            use_cache=False,
        ).logits
    finally:
        hook.remove()
    found = chosen_logprobs(logits[0], layout.at, layout.targets, temperature)
    laid = torch.zeros(loss_mask.shape, dtype=found.dtype, device=found.device)
    return laid.masked_scatter(loss_mask, found)


def require_shareable(model: Any) -> None:
    """Make sure that rows with a shared beginning may be computed together.

    Besides what the model's configuration says, a few tokens are computed both ways: not every
    model heeds a mask.

    Raises:
        ValueError: the model's attention takes no mask of ours, or has a memory that is not
            attention; the message says what to set.
    """
    config = _unwrapped(model).config.get_text_config()
    how = getattr(config, "_attn_implementation", None)
    window = getattr(config, "sliding_window", None)
    layers = getattr(config, "layer_types", None) or getattr(config, "attention_layers", None)
    if how not in SHARES:
        reason = f"its attention is {how!r}"
    elif window or set(layers or ()) - WHOLE:
        reason = "not all its layers attend fully"
    elif not _apart(model):
        reason = "rows that are computed together change each other"
    else:
        return
    raise ValueError(f"this model cannot share beginnings ({reason}): set share_prefixes=False")


def require_readable(model: Any, lines: Sequence[Line]) -> None:
    """Make sure that the model can read all rows, and reads each as it would alone.

    Raises:
        ValueError: a token is not in the vocabulary, or a row is longer than the context or than
            what rotations of this kind are the same for.
    """
    config = _unwrapped(model).config.get_text_config()
    longest = max(len(line.ids) for line in lines)
    context = getattr(config, "max_position_embeddings", None) or longest
    if longest > context:
        raise ValueError(f"a row has {longest} tokens, and the model reads {context} at most")
    least, most = (int(f(f(line.ids) for line in lines)) for f in (min, max))
    if least < 0 or most >= config.vocab_size:
        odd = least if least < 0 else most
        raise ValueError(f"a row has token {odd}; the vocabulary has {config.vocab_size}")
    rope = getattr(config, "rope_parameters", None) or {}
    until = rope.get("original_max_position_embeddings") or context
    if rope.get("rope_type") in STRETCHED and longest > until:
        raise ValueError(
            f"a row has {longest} tokens; beyond {until} the model's {rope['rope_type']} rotations "
            "change with the longest row of a pass: leave out longer rows"
        )


def _apart(model: Any) -> bool:
    """Whether two rows in one sequence come out as alone."""
    rows = [(1, 2, 3, 4, 5), (1, 2, 3, 6, 7)]
    units = [unit(Row(ids, (False, *[True] * (len(ids) - 1)))) for ids in rows]
    was_training = model.training
    model.eval()
    try:
        together, alone = (_probe(model, units, share) for share in (True, False))
    except (IndexError, RuntimeError, TypeError, ValueError):  # whatever a model makes of a mask
        return False
    finally:
        model.train(was_training)
    return bool((together - alone).abs().max() < NEAR)


@torch.no_grad()
def _probe(model: Any, units: Sequence[Unit], share: bool) -> torch.Tensor:
    groups = [units] if share else [[each] for each in units]
    made, device = collate(groups, share), next(model.parameters()).device
    layout: dict[str, Any] = {
        name: value.to(device) if torch.is_tensor(value) else value
        for name, value in made["layout"].items()
    }
    mask = Batch(**made["batch"]).loss_mask
    return trained_logprobs(model, Layout(**layout), mask.to(device))


def _readable(mask: torch.Tensor | None, model: Any) -> torch.Tensor | None:
    """A mask as the attention takes it: the plain implementation adds it to the scores."""
    inside = _unwrapped(model)
    if mask is None or inside.config._attn_implementation != "eager":
        return mask
    low = torch.finfo(inside.dtype).min
    return torch.zeros(mask.shape, dtype=inside.dtype, device=mask.device).masked_fill(~mask, low)


def _unwrapped(model: Any) -> Any:
    """The model inside DistributedDataParallel and its like."""
    return model.module if hasattr(model, "module") else model
