"""Judge bias: what a judge's choices lose when the replies are dressed up to mislead it.

The same pair is judged clean, and with bait: a longer wrong reply, a majority said to prefer it, a
friendlier tone. A judge that is right on the first and wrong on the second was biased; one that is
wrong on both was merely wrong. The same rule labels examples to train a bias detector on.

From "Any Large Language Model Can Be a Reliable Judge: Debiasing with a Reasoning-based Bias
Detector" (RBD), arXiv 2505.17100; as there, pairs with a choice that cannot be read are left out,
and here they are counted. The detector is `graphs/judging/bias_detector.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..episodes.paper import Paper

PAPER = Paper(
    title=(
        "Any Large Language Model Can Be a Reliable Judge: Debiasing with a Reasoning-based Bias "
        "Detector"
    ),
    arxiv="2505.17100",
    kind="metric | data-builder",
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One pair, judged clean and with bait. Choices are places among the replies."""

    best: int
    """Which reply is better."""
    clean: int | None
    """The judge's choice without bait; None when it could not be read."""
    baited: int | None
    """The judge's choice with bait; None when it could not be read."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How a judge holds against bait. Shares are None where no pair could be read."""

    pairs: int
    """Pairs that were read both times."""
    unreadable: int
    """Pairs left out."""
    accuracy: float | None
    """Share that was judged rightly with bait."""
    consistency: float | None
    """Share that was judged rightly both times."""
    biased: float | None
    """Share that was judged rightly clean and wrongly with bait."""


def reliability(pairs: Sequence[Judged]) -> Reliability:
    """How a judge held on `pairs`."""
    read = [
        (each.clean == each.best, each.baited == each.best)
        for each in pairs
        if each.clean is not None and each.baited is not None
    ]

    def share(flags: list[bool]) -> float | None:
        return sum(flags) / len(flags) if flags else None

    return Reliability(
        pairs=len(read),
        unreadable=len(pairs) - len(read),
        accuracy=share([baited for _, baited in read]),
        consistency=share([clean and baited for clean, baited in read]),
        biased=share([shows_bias(clean, baited) for clean, baited in read]),
    )


def shows_bias(clean: bool, baited: bool) -> bool:
    """Whether a judge who was right on a clean pair (or not), and on the baited one, was biased."""
    return clean and not baited
