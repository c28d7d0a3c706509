"""Criticism: how far a model's verdicts on answers and on steps can be trusted.

Verdicts on answers, after "Critique Ability of Large Language Models" (CriticBench), arXiv
2310.04815: the share of verdicts that equal the label, on a set with as many right answers as wrong
ones (so that a critic who finds everything right reaches one half), and the same by how sure the
answers were: critics fail most where generators disagree.

Verdicts on steps, as in "Is PRM Necessary? Problem-Solving RL Implicitly Induces PRM Capability in
LLMs", arXiv 2505.11227, by ProcessBench's F1: the harmonic mean of how often the first wrong step
is found, and how often a faultless solution is found faultless.

A verdict that cannot be read is wrong. The methods are `graphs/selecting/self_check.py` and
`self_prm.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..episodes.paper import Paper
from ..graphs.selectors import Key, plain

PAPER = Paper(
    title="Critique Ability of Large Language Models",
    arxiv="2310.04815",
    kind="metric",
)
NO_ERROR = -1
"""Where the first wrong step of a faultless solution is."""


@dataclass(frozen=True, slots=True)
class Criticised:
    """One answer, and what a critic said of it."""

    right: bool
    """The label."""
    verdict: bool | None
    """Whether the critic found it right; None when that could not be read."""
    agreement: float = 1.0
    """How far answers to the same question agree; see `agreement`."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A critic's verdicts on answers to questions of one kind."""

    low: float
    """The least agreement in the slice; the next slice's is just above its greatest."""
    answers: int
    accuracy: float | None
    """Share of verdicts that equal the label; None where there is no answer."""
    precision: float | None
    """Share of right ones among the answers found right; None where there are none."""


def accuracy(verdicts: Sequence[Criticised]) -> float | None:
    """Share of verdicts that equal the label; None where there are none."""
    return _share([each.verdict == each.right for each in verdicts])


def precision(verdicts: Sequence[Criticised]) -> float | None:
    """Share of right answers among those found right; None where there are none."""
    return _share([each.right for each in verdicts if each.verdict])


def by_agreement(verdicts: Sequence[Criticised], slices: int = 4) -> list[Slice]:
    """The verdicts in slices of equal width by agreement, the least agreement first.

    Raises:
        ValueError: there is no slice, or an agreement is not in [0, 1].
    """
    if slices < 1:
        raise ValueError(f"slices={slices}: there must be one at least")
    held: list[list[Criticised]] = [[] for _ in range(slices)]
    for each in verdicts:
        if not 0.0 <= each.agreement <= 1.0:
            raise ValueError(f"agreement lies in [0, 1], not {each.agreement}")
        held[min(int(each.agreement * slices), slices - 1)].append(each)
    return [
        Slice(place / slices, len(some), accuracy(some), precision(some))
        for place, some in enumerate(held)
    ]


def agreement(answers: Sequence[str], key: Key = plain) -> float:
    """The commonest answer's share of all answers to a question.

    Raises:
        ValueError: there is no answer.
    """
    if not answers:
        raise ValueError("there are no answers to compare")
    return max(Counter(map(key, answers)).values()) / len(answers)


@dataclass(frozen=True, slots=True)
class StepScore:
    """How well first wrong steps are found. Shares are None where there is no such solution."""

    faulty: float | None
    """Share of faulty solutions whose first wrong step was found."""
    faultless: float | None
    """Share of faultless solutions that were found faultless."""

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None where one is missing."""
        if self.faulty is None or self.faultless is None:
            return None
        both = self.faulty + self.faultless
        return 2 * self.faulty * self.faultless / both if both else 0.0


def step_score(found: Sequence[int | None], labels: Sequence[int]) -> StepScore:
    """How well `found` equals the first wrong steps in `labels`, -1 for a faultless solution.

    Args:
        found: what the critic named; None when it could not be read.

    Raises:
        ValueError: there are not as many of both.
    """
    if len(found) != len(labels):
        raise ValueError(f"{len(found)} verdicts on {len(labels)} solutions")
    pairs = list(zip(found, labels, strict=True))
    return StepScore(
        faulty=_share([one == label for one, label in pairs if label != NO_ERROR]),
        faultless=_share([one == label for one, label in pairs if label == NO_ERROR]),
    )


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None
