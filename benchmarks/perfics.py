"""PeRFICS: rank models by what they reach when they refine, what refining gains and what it costs.

From "Democratizing LLMs: An Exploration of Cost-Performance Trade-offs in Self-Refined Open-Source
Models", arXiv 2310.07611. The published formula was not recoverable. This is a weighted mean in its
spirit, which rises with performance and gain and falls with cost:

    score = (w_performance * P + w_gain * G + w_cost * (1 - C)) / (w_performance + w_gain + w_cost)

where P, G and C are the three figures scaled to [0, 1] between the least and the greatest among the
candidates (0 where all are equal). Scores of different sets of candidates do not compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from math import isfinite

from ..episodes.paper import Paper

PAPER = Paper(
    title=(
        "Democratizing LLMs: An Exploration of Cost-Performance Trade-offs in Self-Refined "
        "Open-Source Models"
    ),
    arxiv="2310.07611",
    kind="metric",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to rank."""

    name: str
    performance: float
    """What it reaches after refinement, in any unit; more is better."""
    gain: float
    """Its improvement over its own first answers, relative to them: 0.08 for 8 %."""
    cost: float
    """What inference costs, in any unit: gigabytes, seconds, dollars; less is better."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each figure counts; only their proportions matter. Equal ones are an assumption.

    Raises:
        ValueError: a weight is negative or not finite, or all are zero.
    """

    performance: float = 1.0
    gain: float = 1.0
    cost: float = 1.0

    def __post_init__(self) -> None:
        weights = astuple(self)
        if not all(isfinite(w) and w >= 0 for w in weights) or not any(weights):
            raise ValueError(f"weights are at least 0 and not all 0: {self}")


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates by score."""

    scores: dict[str, float]
    """Score in [0, 1] by name, best first; between equals the better performance first."""
    weights: Weights
    """What the scores were made with."""


def perfics(candidates: Sequence[Candidate], weights: Weights = Weights()) -> Ranking:
    """Rank `candidates`.

    Raises:
        ValueError: two candidates have one name, or a figure is not finite.
    """
    if len({c.name for c in candidates}) < len(candidates):
        raise ValueError("two candidates have the same name")
    performance = _scaled([c.performance for c in candidates])
    gain = _scaled([c.gain for c in candidates])
    cost = _scaled([c.cost for c in candidates])
    total = weights.performance + weights.gain + weights.cost
    scores = {
        c.name: (weights.performance * p + weights.gain * g + weights.cost * (1 - k)) / total
        for c, p, g, k in zip(candidates, performance, gain, cost, strict=True)
    }
    best = sorted(candidates, key=lambda c: (scores[c.name], c.performance), reverse=True)
    return Ranking({c.name: scores[c.name] for c in best}, weights)


def _scaled(values: Sequence[float]) -> list[float]:
    if not all(map(isfinite, values)):
        raise ValueError(f"not a finite figure among {values}")
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(value - low) / (high - low) if high > low else 0.0 for value in values]
