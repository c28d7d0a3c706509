"""Ranking: a reward model learns to put the better one first, by as much as it was better.

-log sigmoid(better - worse - margin) (Bradley and Terry 1952; with a margin: Llama 2, Touvron et
al. 2023, arXiv 2307.09288, eq. 2; Self-Reference, arXiv 2406.11190). With `focal`, pairs that are
ranked well already count less: times (1 - 2 max(0, p - 1/2))^focal with p the probability of the
right order (InternLM2, Cai et al. 2024, arXiv 2403.17297; MultiCritique).
"""

from __future__ import annotations

import torch
from torch.nn.functional import logsigmoid

from .checks import Loss, not_negative, one_a_row


def ranking_loss(
    better: torch.Tensor,
    worse: torch.Tensor,
    *,
    margin: torch.Tensor | None = None,
    focal: float = 0.0,
) -> Loss:
    """The mean loss of pairs of scores.

    A chain a > b > c is its pairs, (a, b), (b, c) and (a, c).

    Args:
        better: Scores, (pairs,).
        worse: Scores, (pairs,).
        margin: (pairs,), at least 0; none by default.
        focal: The exponent; InternLM2: 2.

    Returns:
        The loss, and `accuracy` (a tie is not ranked right) and `difference` of scores.

    Raises:
        ValueError: no pairs, shapes differ, a value is not finite, a negative margin or exponent.
    """
    not_negative("focal", focal)
    if better.dim() != 1 or not len(better):
        raise ValueError(f"better has shape {tuple(better.shape)}; expected one score a pair")
    pairs = len(better)
    difference = one_a_row("better", better, pairs) - one_a_row("worse", worse, pairs)
    z = difference if margin is None else difference - margins(margin, pairs)
    losses = -logsigmoid(z)
    if focal:
        losses = losses * (1 - 2 * (difference.sigmoid() - 0.5).clamp(min=0)) ** focal
    told = difference.detach()
    return losses.mean(), {"accuracy": (told > 0).float().mean(), "difference": told.mean()}


def margins(margin: torch.Tensor, pairs: int) -> torch.Tensor:
    """The margins, of shape (pairs,).

    Raises:
        ValueError: another shape, or one is negative or not finite.
    """
    found = one_a_row("margin", margin, pairs).detach()
    if bool((found < 0).any()):
        raise ValueError(f"margin holds {found[found < 0][0].item()}; the better one comes first")
    return found
