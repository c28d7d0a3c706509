"""Rows of every kind as lines: ids, the places that are trained, and numbers at those places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..sample import Example, PreferencePair, Row, Sample

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One sequence of tokens. All arrays but `ids` have one entry for each trained token."""

    ids: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    """Where the trained tokens stand in `ids`, ascending."""
    advantages: Floats
    old_logprobs: Floats
    """What ratios are counted from."""
    sampler_logprobs: Floats
    """As they were recorded when the tokens were sampled."""
    off_policy: npt.NDArray[np.bool_]
    reference_logprobs: Floats | None
    extras: Mapping[str, float]
    sampled: bool
    """Whether `sampler_logprobs` is known: the tokens are those of a policy's own samples."""


Unit = tuple[Line, ...]
"""The lines of one example, which no micro-batch tears apart: one, or a chosen and a rejected."""


def unit(example: Example) -> Unit:
    """The lines of an example.

    Raises:
        ValueError: the first token of a row is to be trained, which nothing predicts.
    """
    match example:
        case Sample():
            places = _places(example.ids, example.loss_mask)
            reference = example.reference_logprobs
            return (
                Line(
                    ids=np.array(example.ids, np.int64),
                    places=places,
                    advantages=_at(example.advantages, places),
                    old_logprobs=_at(example.old_logprobs, places),
                    sampler_logprobs=_at(example.old_logprobs, places),
                    off_policy=np.array(example.off_policy, bool)[places],
                    reference_logprobs=None if reference is None else _at(reference, places),
                    extras=example.extras,
                    sampled=True,
                ),
            )
        case Row():
            return (_plain(example.ids, _places(example.ids, example.loss_mask), example.extras),)
        case PreferencePair():
            margin = {} if example.margin is None else {"margin": example.margin}
            return tuple(
                _completion(example.prompt_ids, ids, reference, {**example.extras, **margin})
                for ids, reference in (
                    (example.chosen_ids, example.chosen_reference),
                    (example.rejected_ids, example.rejected_reference),
                )
            )


def _completion(
    prompt: Sequence[int],
    completion: Sequence[int],
    reference: Sequence[float] | None,
    extras: Mapping[str, float],
) -> Line:
    if not prompt:
        raise ValueError("a pair has an empty prompt: nothing would predict its first token")
    places = np.arange(len(prompt), len(prompt) + len(completion))
    line = _plain((*prompt, *completion), places, extras)
    known = None if reference is None else np.array(reference, float)
    return replace(line, reference_logprobs=known)


def _plain(ids: Sequence[int], places: npt.NDArray[np.int64], extras: Mapping[str, float]) -> Line:
    zeros = np.zeros(len(places))
    return Line(
        ids=np.array(ids, np.int64),
        places=places,
        advantages=zeros,
        old_logprobs=zeros,
        sampler_logprobs=zeros,
        off_policy=np.zeros(len(places), bool),
        reference_logprobs=None,
        extras=extras,
        sampled=False,
    )


def _places(ids: Sequence[int], mask: Sequence[bool]) -> npt.NDArray[np.int64]:
    if mask[0]:
        raise ValueError(
            f"the first of {len(ids)} tokens is to be trained, which nothing predicts: "
            "leave it out of the loss mask"
        )
    return np.flatnonzero(np.array(mask, bool))


def _at(values: Sequence[float], places: npt.NDArray[np.int64]) -> Floats:
    return np.array(values, float)[places]
