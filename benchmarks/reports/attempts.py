"""Several attempts at a task: what one of k, and what all of k would have solved.

From n attempts of which c succeeded, all sets of k are averaged, which is unbiased for any k up to
n. pass@k is the chance that one of k attempts succeeds (Chen et al. 2021, arXiv 2107.03374), pass^k
that all do (Yao et al. 2024, tau-bench, arXiv 2406.12045), best of k the mean of the best score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb

from .intervals import Interval, clustered


def pass_at_k(attempts: int, successes: int, k: int) -> float:
    """The chance that at least one of `k` attempts succeeds.

    Raises:
        ValueError: k lies outside 1 to `attempts`, or successes outside 0 to `attempts`.
    """
    _check(attempts, successes, k)
    return 1 - comb(attempts - successes, k) / comb(attempts, k)


def pass_hat_k(attempts: int, successes: int, k: int) -> float:
    """The chance that all of `k` attempts succeed, written pass^k.

    Raises:
        ValueError: k lies outside 1 to `attempts`, or successes outside 0 to `attempts`.
    """
    _check(attempts, successes, k)
    return comb(successes, k) / comb(attempts, k)


def best_of_k(scores: Sequence[float], k: int) -> float:
    """The expected best score of `k` attempts.

    Raises:
        ValueError: k lies outside 1 to the number of scores.
    """
    _check(len(scores), 0, k)
    ranked = sorted(scores)
    best = sum(score * comb(below, k - 1) for below, score in enumerate(ranked))
    return best / comb(len(ranked), k)


@dataclass(frozen=True, slots=True)
class Point:
    """One k of a best-of-k curve: means over tasks, with their 95 % intervals."""

    k: int
    pass_at: float
    pass_at_interval: Interval
    pass_hat: float
    pass_hat_interval: Interval
    best: float
    """Mean of the best score."""
    best_interval: Interval


def curve(tasks: Iterable[Sequence[tuple[bool, float]]]) -> list[Point]:
    """The curve from k = 1 to the fewest attempts that any task has had.

    Args:
        tasks: for each task, the success and the score of every attempt.
    """
    tasks = [attempts for attempts in tasks if attempts]
    fewest = min(map(len, tasks), default=0)
    points = []
    for k in range(1, fewest + 1):
        counts = [(len(task), sum(success for success, _ in task)) for task in tasks]
        at = [pass_at_k(n, c, k) for n, c in counts]
        hat = [pass_hat_k(n, c, k) for n, c in counts]
        best = [best_of_k([score for _, score in task], k) for task in tasks]
        points.append(Point(k, *_mean(at, fewest), *_mean(hat, fewest), *_mean(best, fewest)))
    return points


def _mean(values: Sequence[float], attempts: int) -> tuple[float, Interval]:
    """The mean over tasks; a task's value stands for all its attempts."""
    return sum(values) / len(values), clustered([[value] * attempts for value in values])


def _check(attempts: int, successes: int, k: int) -> None:
    if not 1 <= k <= attempts:
        raise ValueError(f"k={k}: it must lie between 1 and the {attempts} attempts")
    if not 0 <= successes <= attempts:
        raise ValueError(f"{successes} successes in {attempts} attempts")
