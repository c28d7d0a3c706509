"""Selectors: which of several candidates a team settles on. Pure functions.

A selector is a function from candidates to the place of the chosen one, or None where none has a
readable draft. Answers that are the same count together: `key` says when they are, by default when
they are the same number or the same words. Ties go to what came first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..agents import Candidate

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

Selector = Callable[[Sequence[Candidate]], int | None]
Key = Callable[[str], Hashable]
"""Equal for answers that are the same."""
Weight = Callable[[Candidate], float]


def plain(answer: str) -> Hashable:
    """The number that `answer` is, else its words without case and outer punctuation."""
    text = " ".join(answer.casefold().split()).strip(" .,;:!\"'")
    try:
        number = float(text.replace(",", "").removeprefix("$"))
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def majority(candidates: Sequence[Candidate], key: Key = plain) -> int | None:
    """The answer that most candidates give (self-consistency, Wang et al. 2022)."""
    return heaviest(candidates, votes(candidates, lambda each: 1.0, key), key)


def weighted(weight: Weight, key: Key = plain) -> Selector:
    """The answer whose candidates weigh most together."""
    return lambda candidates: heaviest(candidates, votes(candidates, weight, key), key)


def borda(weight: Weight, power: float = 1.0, key: Key = plain) -> Selector:
    """The answer with most points, where the candidate at rank r of N (from 0, by falling weight)
    gives (N - r) ** power. With power 0 that is the majority.

    The ranks are those of all candidates; one without a readable draft gives its points to nobody.

    Raises:
        ValueError: the power is negative or no finite number.
    """
    if not 0 <= power < math.inf:
        raise ValueError(f"power={power}: choose a number of at least 0; without end, that is best")

    def select(candidates: Sequence[Candidate]) -> int | None:
        size = len(candidates)
        order = sorted(range(size), key=lambda place: (-weight(candidates[place]), place))
        points = {id(candidates[place]): (size - rank) ** power for rank, place in enumerate(order)}
        return heaviest(candidates, votes(candidates, lambda each: points[id(each)], key), key)

    return select


def best(weight: Weight) -> Selector:
    """The candidate that weighs most."""

    def select(candidates: Sequence[Candidate]) -> int | None:
        readable = [place for place, each in enumerate(candidates) if each.draft]
        return max(readable, key=lambda place: weight(candidates[place]), default=None)

    return select


def filtered(keep: Callable[[Candidate], bool], then: Selector = majority) -> Selector:
    """`then` among the candidates to keep; among all where none is kept."""

    def select(candidates: Sequence[Candidate]) -> int | None:
        kept = [place for place, each in enumerate(candidates) if each.draft and keep(each)]
        kept = kept or list(range(len(candidates)))
        chosen = then([candidates[place] for place in kept])
        return None if chosen is None else kept[chosen]

    return select


def centroid(embeddings: Embeddings, weight: Weight = lambda each: 1.0) -> Selector:
    """The candidate nearest, by cosine, to the weighted mean of all."""

    def select(candidates: Sequence[Candidate]) -> int | None:
        import numpy as np

        readable = [place for place, each in enumerate(candidates) if each.draft]
        if not readable:
            return None
        texts = [candidates[place].value for place in readable]
        vectors = np.asarray(embeddings.embed_documents(texts), np.float64)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        weights = np.asarray([weight(candidates[place]) for place in readable])
        return readable[int(np.argmax(vectors @ (weights @ vectors)))]

    return select


def graded(candidate: Candidate) -> float:
    """The grade of a candidate, as a weight; 0 for one without a grade."""
    return candidate.score or 0.0


def passed(candidate: Candidate) -> bool:
    """Whether a critic has read the candidate and found it correct."""
    return candidate.critique is not None and candidate.critique.verdict == "correct"


def votes(
    candidates: Sequence[Candidate], weight: Weight, key: Key = plain
) -> dict[Hashable, float]:
    """What the candidates of each answer weigh together, in the order in which answers came."""
    totals: dict[Hashable, float] = {}
    for each in candidates:
        if each.draft is not None:
            answer = key(each.value)
            totals[answer] = totals.get(answer, 0.0) + weight(each)
    return totals


def heaviest(
    candidates: Sequence[Candidate], totals: Mapping[Hashable, float], key: Key = plain
) -> int | None:
    """The first candidate of the answer that weighs most."""
    if not totals:
        return None
    winner = max(totals, key=lambda answer: totals[answer])
    return next(i for i, each in enumerate(candidates) if each.draft and key(each.value) == winner)
