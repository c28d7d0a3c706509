"""The members of the DPO family, one line each, under the names of `preference_loss`'s table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn.functional import logsigmoid


@dataclass(frozen=True, slots=True)
class Pairs:
    """What a member of the family sees, one entry a pair."""

    chosen: torch.Tensor
    rejected: torch.Tensor
    beta: float
    margin: torch.Tensor
    smoothing: torch.Tensor

    @property
    def z(self) -> torch.Tensor:
        """How far ahead the chosen one is of where it should be, in logits."""
        return self.beta * (self.chosen - self.rejected) - self.margin


def _dpo(pairs: Pairs) -> torch.Tensor:
    right, wrong = logsigmoid(pairs.z), logsigmoid(-pairs.z)
    return -(1 - pairs.smoothing) * right - pairs.smoothing * wrong


def _hinge(pairs: Pairs) -> torch.Tensor:
    return (1 - pairs.z).relu()


def _robust(pairs: Pairs) -> torch.Tensor:
    right, wrong = logsigmoid(pairs.z), logsigmoid(-pairs.z)
    rate = pairs.smoothing
    return (rate * wrong - (1 - rate) * right) / (1 - 2 * rate)


def _exo(pairs: Pairs) -> torch.Tensor:
    right, wrong = logsigmoid(pairs.z), logsigmoid(-pairs.z)
    rate = pairs.smoothing
    return right.exp() * (right - (1 - rate).log()) + wrong.exp() * (wrong - rate.log())


def _ipo(pairs: Pairs) -> torch.Tensor:
    return (pairs.chosen - pairs.rejected - 1 / (2 * pairs.beta)) ** 2


def _nca(pairs: Pairs) -> torch.Tensor:
    chosen, rejected = pairs.beta * pairs.chosen, pairs.beta * pairs.rejected
    return -logsigmoid(chosen) - logsigmoid(-chosen) / 2 - logsigmoid(-rejected) / 2


def _bco(pairs: Pairs) -> torch.Tensor:
    return -logsigmoid(pairs.beta * pairs.chosen) - logsigmoid(-pairs.beta * pairs.rejected)


def _sppo(pairs: Pairs) -> torch.Tensor:
    aim = 1 / (2 * pairs.beta)
    return (pairs.chosen - aim) ** 2 + (pairs.rejected + aim) ** 2


def _apo_zero(pairs: Pairs) -> torch.Tensor:
    return 1 - (pairs.beta * pairs.chosen).sigmoid() + (pairs.beta * pairs.rejected).sigmoid()


def _apo_down(pairs: Pairs) -> torch.Tensor:
    apart = pairs.beta * (pairs.chosen - pairs.rejected)
    return (pairs.beta * pairs.chosen).sigmoid() + 1 - apart.sigmoid()


def _kto_pair(pairs: Pairs) -> torch.Tensor:
    # Each side is measured against the other's divergence, which is a constant (KTO, section 4.1).
    up = pairs.beta * (pairs.chosen - pairs.rejected.detach().mean().clamp(min=0))
    down = pairs.beta * (pairs.chosen.detach().mean().clamp(min=0) - pairs.rejected)
    return (2 - up.sigmoid() - down.sigmoid()) / 2


def _orpo(pairs: Pairs) -> torch.Tensor:
    odds = pairs.chosen - pairs.rejected - _log1mexp(pairs.chosen) + _log1mexp(pairs.rejected)
    return -pairs.beta * logsigmoid(odds)


def _log1mexp(logprobs: torch.Tensor) -> torch.Tensor:
    """log(1 - p) of log p, which is held a hair below 0: a certain completion has infinite odds."""
    return torch.log(-torch.expm1(logprobs.clamp(max=-torch.finfo(logprobs.dtype).eps)))


CONTRASTS: dict[str, Callable[[Pairs], torch.Tensor]] = {
    "dpo": _dpo,
    "dpo_norm": _dpo,
    "hinge": _hinge,
    "robust": _robust,
    "exo": _exo,
    "ipo": _ipo,
    "nca": _nca,
    "bco": _bco,
    "sppo": _sppo,
    "apo_zero": _apo_zero,
    "apo_down": _apo_down,
    "kto_pair": _kto_pair,
    "simpo": _dpo,
    "cpo": _dpo,
    "orpo": _orpo,
}
