"""What a judgement earns: by being true, whatever it judges."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ..checks import require_as_many, require_finite
from .outcomes import PLAIN, Outcomes

MATCHED, ACCEPTED_USELESS, REJECTED_USEFUL = 0.3, -0.6, -0.3
"""ReSeek's rewards for judgements."""


def verdict_match(said: Hashable | None, true: Hashable, table: Outcomes = PLAIN) -> float:
    """What a verdict earns against the truth; None is one that could not be read.

    A verdict is right or wrong (Critique-RL, RefCritic), the rating that a solution earned (RISE,
    arXiv 2505.13445), or the index of the first wrong step (DeepCritic, 2505.00662).
    """
    return table(None if said is None else said == true)


def reseek(said: Sequence[bool], ideal: Sequence[bool]) -> list[float]:
    """The reward of each judgement of a search result: whether it said useful, and whether a
    reranker would have.

    Paper: ReSeek, arXiv 2510.00568, whose code was not available: the numbers are from a public
    note on the paper. The return adds up these and the exact match of the answer.

    Raises:
        ValueError: there are not as many of one as of the other.
    """
    require_as_many("judgements", said, "ideal ones", ideal)
    return [
        MATCHED if one == other else ACCEPTED_USELESS if one else REJECTED_USEFUL
        for one, other in zip(said, ideal, strict=True)
    ]


def strict_best(scores: Sequence[float] | None, best: int) -> float:
    """+1 where the response known to be best was scored above every other, else -1: SPCT
    (DeepSeek-GRM, arXiv 2504.02495).

    Args:
        scores: of all responses; None where the judgement could not be read.
        best: the place of the best response.

    Raises:
        ValueError: there is no such place, nothing to compare, or a score is not finite.
    """
    if scores is None:
        return -1.0
    require_finite("score", scores)
    if len(scores) < 2 or not 0 <= best < len(scores):
        raise ValueError(f"best={best} of {len(scores)} scores: at least 2 are compared")
    others = (score for place, score in enumerate(scores) if place != best)
    return 1.0 if scores[best] > max(others) else -1.0
