"""Several signals at once: normalised before they are added, or added on marked tokens only."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks import require_as_many, require_finite, require_some
from .groups import grpo


def standardised_sum(
    streams: Sequence[Sequence[float]], weights: Sequence[float] | None = None
) -> list[float]:
    """The weighted sum of streams, each first brought to mean 0 and standard deviation 1.

    So no signal (correctness, format, length, ...) rules by its scale: SLIM, arXiv 2402.00823.

    Args:
        streams: the advantages (or rewards) of each signal, over the same batch.
        weights: of each stream; by default 1.

    Raises:
        ValueError: there are no streams, they differ in length, or a number is not finite.
    """
    require_some("streams", streams)
    weights = [1.0] * len(streams) if weights is None else weights
    require_as_many("weights", weights, "streams", streams)
    require_finite("weight", weights)
    for each in streams:
        require_as_many("values in a stream", each, "in the first", streams[0])
    scaled = [grpo(each, unbiased=False, epsilon=0.0) for each in streams]
    return [
        sum(weight * value for weight, value in zip(weights, values, strict=True))
        for values in zip(*scaled, strict=True)
    ]


def masked_sum(everywhere: float, marked: float, marks: Sequence[bool]) -> list[float]:
    """One advantage on every token, and another on top where a token is marked.

    ToolPO (DeepAgent, arXiv 2510.21618): the rollout's success everywhere, its actions on the
    tokens of tool calls and folds; both centred on their group's mean.

    Raises:
        ValueError: an advantage is not finite.
    """
    require_finite("advantage", [everywhere, marked])
    return [everywhere + marked * mark for mark in marks]
