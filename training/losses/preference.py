"""Preference losses: the DPO family, one function, one line for each member.

They see a pair of completions through log-ratios: how much likelier the policy finds the chosen and
the rejected one than the reference does. Most are a decreasing function of z = beta (chosen -
rejected) - margin. The reference's log-probabilities are given with the tokens: stored when the
data was collected (Agent Q, arXiv 2408.07199), or taken from a model now; the loss does not ask.

kind          loss of a pair; c, r: log-ratios, beta their scale          source
dpo           -log sigmoid(z); smoothed: a label is wrong at that rate    2305.18290 eq. 7
dpo_norm      dpo of log-ratios divided by their lengths                  2405.14734, table 3
hinge         max(0, 1 - z)                                               2305.10425, 2309.06657
robust        dpo, unbiased for labels wrong at the given rate            2403.00409
exo           KL from sigmoid(z) to (1 - smoothing, smoothing)            2402.00856 eq. 16
ipo           (c - r by length - 1 / (2 beta))^2                          2310.12036 eq. 17
nca           -log s(bc) - log s(-bc) / 2 - log s(-br) / 2                2402.05369
bco           -log s(bc) - log s(-br)                                     2404.04656, no shift
sppo          (c - 1 / (2 beta))^2 + (r + 1 / (2 beta))^2                 2405.00675 eq. 4.7
apo_zero      1 - s(bc) + s(br)                                           2408.06266 eq. 7
apo_down      s(bc) + 1 - s(b(c - r))                                     2408.06266 eq. 8
kto_pair      (1 - s(bc - b max(0, mean r)) + 1 - s(b max(0, mean c) - br)) / 2   2402.01306
simpo         -log sigmoid(z) of mean log-probabilities                   2405.14734 eq. 6
cpo           -log sigmoid(z) of log-probabilities; the paper adds NLL    2401.08417 eq. 3
orpo          -log sigmoid(log odds ratio) of mean log-probabilities; the paper
              adds NLL and multiplies this by beta, here too              2403.07691 eq. 6 and 7

The last three have no reference. Extra terms are sums: 0.1 `supervised_loss` in ReVISE and SCL,
SELM's alpha beta log-ratio of its own answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from .checks import Loss, as_mask, constant, finite, positive, where_trained
from .contrasts import CONTRASTS, Pairs
from .ranking import margins

Kind = Literal[
    "dpo",
    "dpo_norm",
    "hinge",
    "robust",
    "exo",
    "ipo",
    "nca",
    "bco",
    "sppo",
    "apo_zero",
    "apo_down",
    "kto_pair",
    "simpo",
    "cpo",
    "orpo",
]
WITHOUT_REFERENCE = {"simpo", "cpo", "orpo"}
BY_LENGTH = {"dpo_norm", "ipo", "simpo", "orpo"}
WITH_MARGIN = {"dpo", "dpo_norm", "hinge", "robust", "exo", "simpo", "cpo"}
WITH_SMOOTHING = {"dpo", "dpo_norm", "robust", "exo", "simpo", "cpo"}


@dataclass(frozen=True, slots=True, eq=False)
class Completions:
    """One side of the pairs: a completion for each row, after its prompt."""

    logprobs: torch.Tensor
    """The policy's, (rows, tokens), with gradient."""
    loss_mask: torch.Tensor
    """True on the tokens that are compared: those of the completion."""
    reference_logprobs: torch.Tensor | None = None
    """The reference's, constants, (rows, tokens)."""


def preference_loss(
    chosen: Completions,
    rejected: Completions,
    *,
    kind: Kind = "dpo",
    beta: float = 0.1,
    margin: torch.Tensor | None = None,
    smoothing: float | torch.Tensor = 0.0,
) -> Loss:
    """The mean preference loss of pairs; row i of both sides is one pair.

    Args:
        chosen: The better completions.
        rejected: The worse ones; they may be padded to another width.
        kind: The member of the family, from the table above.
        beta: The scale of log-ratios. For ipo and sppo the strength of the pull to the reference;
            for orpo the weight of the odds ratio.
        margin: (pairs,), at least 0, in units of beta times log-ratios: taken off z (ODPO, Amini et
            al. 2024, arXiv 2402.10571; SimPO's gamma).
        smoothing: How often a label is wrong, for all pairs or (pairs,): 1 - C in CREAM (arXiv
            2410.12735). exo needs it.

    Returns:
        The loss, and means over pairs: `accuracy` (a tie is not right), `reward_chosen`,
        `reward_rejected` (beta times the log-ratio that the kind looks at) and `reward_margin`.

    Raises:
        ValueError: sides of different numbers of rows, a row without compared tokens, a reference
            missing or given to a kind without one, values that are not finite, an option that the
            kind does not have.
    """
    if kind not in CONTRASTS:
        raise ValueError(f"no kind {kind!r}; there are {', '.join(get_args(Kind))}")
    positive("beta", beta)
    ours, theirs = _score("chosen", chosen, kind), _score("rejected", rejected, kind)
    if ours.shape != theirs.shape:
        raise ValueError(f"{len(ours)} chosen completions and {len(theirs)} rejected ones")
    pairs = Pairs(ours, theirs, beta, _margin(margin, ours, kind), _smooth(smoothing, ours, kind))
    good, bad = beta * ours.detach(), beta * theirs.detach()
    return CONTRASTS[kind](pairs).mean(), {
        "accuracy": (good > bad).float().mean(),
        "reward_chosen": good.mean(),
        "reward_rejected": bad.mean(),
        "reward_margin": (good - bad).mean(),
    }


def _score(side: str, given: Completions, kind: str) -> torch.Tensor:
    """The log-ratio of each row, or its log-probability for kinds without a reference."""
    mask = as_mask(given.loss_mask, f"{side} loss_mask")
    count = mask.sum(-1)
    if bool((count == 0).any()):
        row = (count == 0).nonzero()[0].item()
        raise ValueError(f"row {row} of the {side} loss_mask leaves nothing to compare")
    logprobs = where_trained(f"{side} logprobs", given.logprobs, mask)
    if (given.reference_logprobs is None) != (kind in WITHOUT_REFERENCE):
        state = "has no" if kind in WITHOUT_REFERENCE else "needs a"
        raise ValueError(f"{kind} {state} reference: see the {side} reference_logprobs")
    if given.reference_logprobs is not None:
        name = f"{side} reference_logprobs"
        logprobs = logprobs - constant(name, given.reference_logprobs, mask)
    summed = logprobs.sum(-1)
    return summed / count if kind in BY_LENGTH else summed


def _margin(margin: torch.Tensor | None, like: torch.Tensor, kind: str) -> torch.Tensor:
    if margin is None:
        return torch.zeros_like(like)
    if kind not in WITH_MARGIN:
        raise ValueError(f"{kind} has no margin; these have: {', '.join(sorted(WITH_MARGIN))}")
    return margins(margin, len(like))


def _smooth(smoothing: float | torch.Tensor, like: torch.Tensor, kind: str) -> torch.Tensor:
    rate = torch.as_tensor(smoothing, dtype=like.dtype, device=like.device).detach()
    finite("smoothing", rate)
    if rate.shape not in ((), like.shape):
        raise ValueError(f"smoothing has shape {tuple(rate.shape)} for {len(like)} pairs")
    odd = (rate < 0) | (rate > 1)
    if kind == "robust":
        odd |= rate >= 0.5
    if kind == "exo":
        odd |= (rate <= 0) | (rate >= 1)
    if kind not in WITH_SMOOTHING:
        odd |= rate != 0
    if bool(odd.any()):
        raise ValueError(f"smoothing of {rate[odd].flatten()[0].item()} cannot be for {kind}")
    return rate.expand_as(like)
