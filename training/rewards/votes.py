"""Labels by vote, where there is no truth: an answer earns by agreeing with the others.

An answer is any hashable value, brought to one form by the caller; None is one that could not be
read: it does not vote, and earns nothing. Between equals the answer that was first given wins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from ..checks import require_some

Answers = Sequence[Hashable | None]


def majority(answers: Answers, *, ties: bool = True) -> Hashable | None:
    """The answer given most often: TTRL's label (arXiv 2504.16084), and that of MM-UPT
    (2505.22453). None when there is none.

    Args:
        ties: whether the first of equals wins; otherwise a tie has no label (as in KnowRL, arXiv
            2510.11407, here).
    """
    ranked = Counter(answer for answer in answers if answer is not None).most_common(2)
    if not ranked or (not ties and len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def agreement(answers: Answers, label: Hashable | None) -> list[float]:
    """1 to each answer that is the label, else 0. Without a label nobody earns."""
    return [float(label is not None and answer == label) for answer in answers]


def majority_vote(answers: Answers, *, ties: bool = True) -> list[float]:
    """1 to each answer that is the majority's (TTRL, arXiv 2504.16084)."""
    return agreement(answers, majority(answers, ties=ties))


def cross_majority(original: Answers, rewritten: Answers) -> tuple[list[float], list[float]]:
    """Answers to a question and to its paraphrase, each scored by the majority of the other side
    (Co-Reward, arXiv 2508.00410)."""
    return (
        agreement(original, majority(rewritten)),
        agreement(rewritten, majority(original)),
    )


def consistency(answers: Answers) -> float:
    """The share of answers that are the majority's.

    Raises:
        ValueError: there are no answers.
    """
    require_some("answers", answers)
    return sum(majority_vote(answers)) / len(answers)


def collective(models: Sequence[Answers]) -> Hashable | None:
    """The label of several models, whose votes weigh by how far each agrees with itself (RLCCF,
    arXiv 2508.12338). None when nobody answered.

    Args:
        models: the answers of each model.

    Raises:
        ValueError: there are no models, or one has no answers.
    """
    require_some("models", models)
    weights: dict[Hashable, float] = {}
    for answers in models:
        weight = consistency(answers)
        for answer in answers:
            if answer is not None:
                weights[answer] = weights.get(answer, 0.0) + weight
    return max(weights, key=lambda answer: weights[answer]) if weights else None
