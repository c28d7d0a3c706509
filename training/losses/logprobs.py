"""Log-probabilities of the tokens that stand there, and the entropy around them.

The tensor of logits is the largest thing in a step: rows x tokens x vocabulary. Neither function
keeps a second one for the backward pass; a normaliser of one number a token is enough, and the
softmax is made again, a slice at a time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.utils.checkpoint import checkpoint

from .checks import as_mask, positive, where_trained

SLICE = 512
"""Positions whose whole distribution is in memory at once."""


def token_logprobs(
    logits: torch.Tensor, ids: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    """The log-probability of each id under the logits of the position before it.

    Args:
        logits: (rows, tokens, vocabulary), as a causal model gives them for `ids`.
        ids: (rows, tokens).
        temperature: That the tokens were sampled at; the logits are divided by it.

    Returns:
        (rows, tokens), in at least 32 bits. Nothing predicts a row's first token: its entry is NaN,
        so that a mask that trains it is refused by the losses.

    Raises:
        ValueError: shapes that do not belong together, or a temperature not above 0.
    """
    positive("temperature", temperature)
    if logits.dim() != 3 or logits.shape[:2] != ids.shape:
        raise ValueError(f"logits have shape {tuple(logits.shape)}, ids {tuple(ids.shape)}")
    vocabulary = logits.shape[-1]
    outside = ids[(ids < 0) | (ids >= vocabulary)]
    if len(outside):
        raise ValueError(f"ids hold {outside[0].item()}; the vocabulary has {vocabulary} tokens")

    def chosen(some: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        scaled = _wide(some) / temperature
        return scaled.gather(-1, at.unsqueeze(-1)).squeeze(-1) - scaled.logsumexp(-1)

    # The last position predicts nothing here. Dropping its result is cheaper than dropping its
    # logits, whose gradient would have to be copied into a tensor of the full size.
    found = _by_slices(chosen, logits, ids.roll(-1, dims=1))[:, :-1]
    return torch.nn.functional.pad(found, (1, 0), value=float("nan"))


def chosen_logprobs(
    logits: torch.Tensor, at: torch.Tensor, ids: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    """The log-probability of some tokens, of which several may share a distribution.

    Args:
        logits: (distributions, vocabulary).
        at: (tokens,), the distribution that each token comes from.
        ids: (tokens,).
        temperature: That the tokens were sampled at.

    Returns:
        (tokens,), in at least 32 bits.

    Raises:
        ValueError: an id outside the vocabulary, or a temperature not above 0.
    """
    positive("temperature", temperature)
    outside = ids[(ids < 0) | (ids >= logits.shape[-1])]
    if len(outside):
        raise ValueError(f"ids hold {outside[0].item()}; the vocabulary has {logits.shape[-1]}")

    def normaliser(some: torch.Tensor) -> torch.Tensor:
        return (_wide(some) / temperature).logsumexp(-1)

    total = _by_slices(normaliser, logits.unsqueeze(0))[0]
    return _wide(logits[at, ids]) / temperature - total[at]


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """The entropy, in nats, of the distribution at each position.

    Args:
        logits: (rows, tokens, vocabulary).

    Returns:
        (rows, tokens), in at least 32 bits.
    """

    def of(some: torch.Tensor) -> torch.Tensor:
        logprobs = _wide(some).log_softmax(-1)
        probabilities = logprobs.exp()
        # What a grammar forbids has logit -inf: 0 x log 0 is 0 here, and its gradient too.
        return -(probabilities * logprobs.masked_fill(probabilities == 0, 0)).sum(-1)

    return _by_slices(of, logits)


def sequence_logprobs(logprobs: torch.Tensor, loss_mask: torch.Tensor) -> torch.Tensor:
    """The sum of each row's trained log-probabilities, of shape (rows,).

    Raises:
        ValueError: another shape than the mask's, or a trained value that is not finite.
    """
    return where_trained("logprobs", logprobs, as_mask(loss_mask)).sum(-1)


def _by_slices(
    function: Callable[..., torch.Tensor], logits: torch.Tensor, *others: torch.Tensor
) -> torch.Tensor:
    """The function of each slice of positions, recomputed rather than kept for the gradient."""
    shape = logits.shape[:2]
    columns = zip(*(torch.split(tensor, _columns(shape[0]), dim=1) for tensor in (logits, *others)))
    parts = [
        checkpoint(function, *column, use_reentrant=False, preserve_rng_state=False)
        for column in columns
    ]
    return torch.cat(parts, dim=1)


def _columns(rows: int) -> int:
    return max(1, SLICE // max(1, rows))


def _wide(logits: torch.Tensor) -> torch.Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
