"""Tool calls against the right ones, in part: names, parameters, values.

Paper: "ToolRL: Reward is All Tool Learning Needs", arXiv 2504.13958.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..checks import require_positive

TOOLRL_HIGHEST = 3.0


class Call(NamedTuple):
    """A tool's name and its parameters by name."""

    name: str
    parameters: Mapping[str, Any]


def toolrl(
    said: Sequence[Call] | None, gold: Sequence[Call], *, highest: float = TOOLRL_HIGHEST
) -> float:
    """How far calls agree with the right ones, from -highest to highest.

    The score is the overlap of the tools' names, and for each right call the best unused call of
    that tool: the overlap of parameter names plus the count of equal values. `format` of the paper
    is `form.toolrl_format`.

    Args:
        said: what was called; None where there was no block of calls, or it could not be read,
            which is the worst.
        gold: the right calls. Without any the reward is 0, whatever was called.

    Raises:
        ValueError: `highest` is not positive.
    """
    require_positive("highest", highest)
    if not gold:
        return 0.0
    if said is None:
        return -highest
    score = overlap([call.name for call in said], [call.name for call in gold])
    unused = list(said)
    for right in gold:
        rated = [(_agreement(call, right), place) for place, call in enumerate(unused)]
        rated = [(each, place) for each, place in rated if unused[place].name == right.name]
        if rated:
            best, place = max(rated, key=lambda each: each[0])
            score += best
            del unused[place]
    most = 1 + sum(1 + len(right.parameters) for right in gold)
    return 2 * highest * score / most - highest


def overlap(said: Sequence[str], gold: Sequence[str]) -> float:
    """The Jaccard index of two multisets of names; 1 where both are empty."""
    one, other = Counter(said), Counter(gold)
    either = (one | other).total()
    return (one & other).total() / either if either else 1.0


def _agreement(call: Call, right: Call) -> float:
    given = call.parameters
    equal = sum(
        bool(given[key] == value) for key, value in right.parameters.items() if key in given
    )
    return overlap([*given], [*right.parameters]) + equal
