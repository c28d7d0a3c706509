"""Several attempts or steps in one episode: what each adds, and what all are worth."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from itertools import pairwise

from ..checks import require_as_many, require_finite, require_share

UFO_DECAY, UFO_REPETITION, UFO_MALFORMED = 0.5, 0.5, -0.1
SPA_ALPHA, SPA_BETA = 1.0, 0.5
SAME = 1e-4
"""ReflexiCoder's scores that differ by no more are the same."""


def ufo(
    answers: Sequence[Hashable | None],
    gold: Hashable,
    *,
    decay: float = UFO_DECAY,
    repetition: float = UFO_REPETITION,
    malformed: float = UFO_MALFORMED,
) -> float:
    """The reward of trying again until right (UFO, arXiv 2507.14295): decay^t for a right answer at
    attempt t, less `repetition` times the share of attempts that repeated an answer.

    Args:
        answers: one an attempt, normalised; None for one that could not be read, which costs
            `malformed` and does not count.
        gold: the right answer.

    Raises:
        ValueError: the decay does not lie in [0, 1].
    """
    require_share("decay", decay)
    given = [answer for answer in answers if answer is not None]
    reward = malformed * (len(answers) - len(given))
    reward += math.fsum(decay**t for t, answer in enumerate(given) if answer == gold)
    return reward - repetition * (1 - len(set(given)) / len(given)) if given else reward


def progress(
    contributions: Sequence[float],
    executable: Sequence[bool],
    *,
    alpha: float = SPA_ALPHA,
    beta: float = SPA_BETA,
) -> list[float]:
    """The reward of each turn: alpha * its estimated share of the outcome + beta if its action
    could be carried out (SPA-RL, arXiv 2505.20732).

    Raises:
        ValueError: there are not as many of one as of the other, or a number is not finite.
    """
    require_as_many("contributions", contributions, "turns", executable)
    require_finite("contribution", contributions)
    return [alpha * c + beta * g for c, g in zip(contributions, executable, strict=True)]


def reflexicoder(scores: Sequence[float], *, formatted: bool = True) -> float:
    """The reward of one completion that answers, reflects and answers again (ReflexiCoder, arXiv
    2603.05863): format + P (IQ / 2 + E) for the quality of its improvements, its efficiency, and a
    weight of how often it reflected.

    To fail first and then fix pays more (3.75) than to be right at once (2.51): log the accuracy
    of first answers beside it.

    Args:
        scores: of each answer, in [0, 1], in order.
        formatted: whether it keeps to the form. One that does not, or never reflects, earns 0.

    Raises:
        ValueError: a score does not lie in [0, 1].
    """
    for place, score in enumerate(scores):
        require_share(f"scores[{place}]", score)
    reflections = len(scores) - 1
    if not formatted or reflections < 1:
        return 0.0
    weights = [math.exp(0.2 * t) for t in range(1, reflections + 1)]
    steps = [_step(before, after) for before, after in pairwise(scores)]
    improved = math.fsum(w * m for w, m in zip(weights, steps, strict=True)) / math.fsum(weights)
    quality = scores[-1] + 0.5 * improved
    gained = (scores[-1] - scores[0]) / (max(1, reflections - 1) + 1e-6)
    efficiency = scores[-1] / reflections + gained
    return 1.0 + reflection_weight(reflections) * (0.5 * quality + efficiency)


def reflection_weight(reflections: int) -> float:
    """ReflexiCoder's P(n): 0 without reflections, 1 up to five, then falling."""
    if reflections <= 5:
        return float(reflections > 0)
    k = reflections - 3
    return math.exp(-0.05 * k) * (1 - 0.1 * math.sin(math.pi * k / 2)) / (1 + 0.1 * k**2)


def _step(before: float, after: float) -> float:
    change = after - before
    if abs(change) <= SAME:
        return 0.05 if before == 1 else -1.0
    return math.tanh(change / 0.1)
