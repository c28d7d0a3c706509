"""From logits to tokens: temperature, top-k and top-p, per row of a batch."""

from __future__ import annotations

import math

import torch


def sampling_logprobs(
    logits: torch.Tensor, temperature: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor
) -> torch.Tensor:
    """Log-probabilities [batch, vocabulary] of the distribution that tokens are drawn from.

    Args:
        logits: [batch, vocabulary].
        temperature: [batch]; rows at 0 are greedy and keep the model's own distribution.
        top_k: [batch], 0 for all tokens.
        top_p: [batch], 1 for all tokens. The token that crosses the mass is kept (Holtzman et al.
            2020, arXiv 1904.09751).
    """
    scale = torch.where(temperature > 0, temperature, torch.ones_like(temperature))
    logits = logits.float() / scale[:, None]
    limited = (temperature > 0) & ((top_k > 0) | (top_p < 1))
    if limited.any():
        ranked, order = logits.sort(dim=-1, descending=True, stable=True)
        mass_before = ranked.softmax(-1).cumsum(-1) - ranked.softmax(-1)
        rank = torch.arange(logits.shape[-1], device=logits.device)
        cut = (mass_before >= top_p[:, None]) | ((top_k > 0)[:, None] & (rank >= top_k[:, None]))
        cut[:, 0] = False
        cut &= limited[:, None]
        logits = logits.masked_fill(torch.zeros_like(cut).scatter(-1, order, cut), -torch.inf)
    return logits.log_softmax(-1)


def draw(logprobs: torch.Tensor, uniform: torch.Tensor, greedy: torch.Tensor) -> torch.Tensor:
    """One token id per row [batch], by inverse transform of `uniform` [batch] in [0, 1).

    Rows where `greedy` [batch] is true take the most probable token.
    """
    cumulative = logprobs.double().exp().cumsum(-1)
    target = uniform.double()[:, None] * cumulative[:, -1:]
    drawn = torch.searchsorted(cumulative, target, right=True)[:, 0]
    last_possible = logprobs.shape[-1] - 1 - (logprobs > -torch.inf).flip(-1).int().argmax(-1)
    return torch.where(greedy, logprobs.argmax(-1), torch.minimum(drawn, last_possible))


def entropy(logprobs: torch.Tensor) -> torch.Tensor:
    """-sum p log p in nats, [batch], of distributions [batch, vocabulary]."""
    nats: torch.Tensor = torch.special.entr(logprobs.exp()).sum(-1)
    return nats


def self_certainty(logprobs: torch.Tensor) -> torch.Tensor:
    """KL(uniform || p) in nats, [batch], of distributions [batch, vocabulary].

    How far the model is from not knowing (Kang et al. 2025, arXiv 2502.18581, eq. 8).
    """
    return -logprobs.mean(-1) - math.log(logprobs.shape[-1])
