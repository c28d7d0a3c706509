"""Joining rankings of the same things that score them differently: reciprocal rank fusion
(Cormack, Clarke and Büttcher, SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

FUSION = 60
"""The constant of reciprocal rank fusion, as in the paper."""


def fused(rankings: Iterable[Sequence[str]]) -> list[tuple[str, float]]:
    """All names of `rankings` (each best first) with their joint scores, best first, equals in the
    order of the rankings. A name's score is the sum of 1 / (60 + its rank) in each that holds it.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking, 1):
            scores[name] = scores.get(name, 0.0) + 1 / (FUSION + rank)
    return sorted(scores.items(), key=lambda found: -found[1])
