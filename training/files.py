"""Rows on disk: one `.npz` of plain arrays, which any tool reads, and nothing is rounded."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from .sample import Example, PreferencePair, Row, Sample

KINDS = {kind.__name__: kind for kind in (Sample, Row, PreferencePair)}
TYPES: dict[str, type[np.generic]] = {
    "ids": np.int64,
    "prompt_ids": np.int64,
    "chosen_ids": np.int64,
    "rejected_ids": np.int64,
    "loss_mask": np.bool_,
    "off_policy": np.bool_,
    "advantages": np.float64,
    "old_logprobs": np.float64,
    "reference_logprobs": np.float64,
    "chosen_reference": np.float64,
    "rejected_reference": np.float64,
}
"""The fields that have one entry a token; the others are kept as JSON."""


DAMAGE = (BadZipFile, EOFError, ValueError, zlib.error)
"""What reading a damaged archive raises."""


def save_examples(file: Path, examples: Sequence[Example]) -> None:
    """Write rows of any kinds, in their order."""
    plain: list[dict[str, Any]] = []
    columns: dict[str, list[Sequence[Any]]] = {}
    for example in examples:
        about: dict[str, Any] = {"kind": type(example).__name__, "lengths": {}}
        for field in fields(example):
            value = getattr(example, field.name)
            if field.name not in TYPES:
                about[field.name] = dict(value) if field.name == "extras" else value
            elif value is not None:
                about["lengths"][field.name] = len(value)
                columns.setdefault(field.name, []).append(value)
        plain.append(about)
    arrays = {
        name: np.fromiter((x for value in held for x in value), TYPES[name])
        for name, held in columns.items()
    }
    arrays["about"] = np.frombuffer(json.dumps(plain).encode(), np.uint8)
    with file.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]
        stream.flush()
        os.fsync(stream.fileno())


def load_examples(file: Path) -> list[Example]:
    """Read rows that `save_examples` wrote.

    Raises:
        ValueError: the file is damaged, or was not written by it.
    """
    try:
        with np.load(file) as held:
            arrays = {name: held[name] for name in held.files}
        plain = json.loads(arrays.pop("about").tobytes())
        left = {name: iter(values.tolist()) for name, values in arrays.items()}
        examples = [_example(about, left) for about in plain]
        if over := [name for name, values in left.items() if next(values, None) is not None]:
            raise ValueError(f"there are more {over[0]} than rows take")
        return examples
    except (*DAMAGE, AttributeError, KeyError, OSError, RuntimeError, TypeError) as error:
        raise ValueError(f"{file} holds no training rows, or is damaged: {error}") from error


def _example(about: dict[str, Any], left: dict[str, Any]) -> Example:
    kind: Any = KINDS[about.pop("kind")]
    lengths = about.pop("lengths")
    tokens = {name: tuple(_take(left[name], count)) for name, count in lengths.items()}
    if "turns" in about:
        about["turns"] = tuple(about["turns"])
    example: Example = kind(**about, **tokens)
    return example


def _take(values: Any, count: int) -> Iterable[Any]:
    for _ in range(count):
        yield next(values)
