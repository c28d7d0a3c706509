"""What opponents earn from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..checks import require_as_many, require_share

COMAS_SCORES = (1, 2, 3)
COMAS_UNREADABLE = -1.0


class Interaction(NamedTuple):
    """What the three roles of one interaction of CoMAS earn."""

    solver: float
    evaluator: float
    scorer: float


def zero_sum_pair(share: float) -> tuple[float, float]:
    """(s, 1 - s): what one gains the other loses, around a sum of 1.

    Raises:
        ValueError: the share does not lie in [0, 1].
    """
    require_share("share", share)
    return share, 1 - share


def comas(score: int | None) -> Interaction:
    """What the solver, the evaluator and the scorer earn (CoMAS, arXiv 2510.08529).

    A score of 1, 2 or 3 is shared out between solver and evaluator as s = (score - 1) / 2 and
    1 - s; the scorer earns nothing. Any other, or None for one that could not be read, costs the
    scorer 1, and the others earn nothing.
    """
    if score not in COMAS_SCORES:
        return Interaction(0.0, 0.0, COMAS_UNREADABLE)
    solver, evaluator = zero_sum_pair((score - 1) / 2)
    return Interaction(solver, evaluator, 0.0)


def signed_zero_sum(caught: bool | None) -> tuple[float | None, float]:
    """What the critic and the sneaky generator of SPC earn (arXiv 2504.19162).

    Args:
        caught: whether the critic found the error; None for a step that is no valid error, which
            costs the generator 1 and is not shown to the critic.
    """
    if caught is None:
        return None, -1.0
    return (1.0, -1.0) if caught else (-1.0, 1.0)


def win_rates(preferences: Sequence[Sequence[float]]) -> list[float]:
    """The reward of each response: its mean chance of winning against the others (SPO, arXiv
    2401.04056).

    Args:
        preferences: row i, column j: the rater's chance, in [0, 1], that i beats j; 0.5 for a tie.
            The diagonal is not read. A rater that depends on the order is made even:
            p(i, j) = (q(i, j) + 1 - q(j, i)) / 2.

    Raises:
        ValueError: there are fewer than two responses, a row has another length, or a chance does
            not lie in [0, 1].
    """
    count = len(preferences)
    if count < 2:
        raise ValueError(f"{count} response: at least 2 are needed to compare")
    for i, row in enumerate(preferences):
        require_as_many("preferences in a row", row, "responses", preferences)
        for j, chance in enumerate(row):
            if i != j:
                require_share(f"preferences[{i}][{j}]", chance)
    return [
        sum((preferences[i][j] + 1 - preferences[j][i]) / 2 for j in range(count) if j != i)
        / (count - 1)
        for i in range(count)
    ]
