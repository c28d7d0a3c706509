"""Micro-batches as tensors: sequences for the model, rows of trained tokens for an objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .lines import Line, Unit
from .packing import Forest, forest


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What an objective sees: rows of trained tokens, (rows, tokens), padded at their ends.

    The two rows of a preference pair follow each other, the chosen one first.
    """

    loss_mask: torch.Tensor
    """True where a token is; the rest is padding."""
    advantages: torch.Tensor
    old_logprobs: torch.Tensor
    sampler_logprobs: torch.Tensor
    off_policy: torch.Tensor
    reference_logprobs: torch.Tensor | None
    sampled: torch.Tensor
    """(rows,), True where `sampler_logprobs` are those of the policy's own samples."""
    extras: tuple[Mapping[str, float], ...]
    """Of each row, further numbers."""

    def extra(self, name: str) -> torch.Tensor:
        """One of the further numbers, (rows,).

        Raises:
            ValueError: a row lacks it.
        """
        for row, extras in enumerate(self.extras):
            if name not in extras:
                raise ValueError(
                    f"row {row} has no {name!r}; it has {', '.join(extras) or 'no extras'}: "
                    "the recipe's rows have to carry what its objective reads"
                )
        values = [extras[name] for extras in self.extras]
        return torch.tensor(values, dtype=torch.float32, device=self.loss_mask.device)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the model sees, and where the trained tokens' predictions come out."""

    ids: torch.Tensor
    """(sequences, nodes), padded with 0, which nothing attends to."""
    positions: torch.Tensor
    mask: torch.Tensor | None
    """(sequences, 1, nodes, nodes), True where a node attends; None where causal attention does."""
    predictors: torch.Tensor
    """Which nodes predict trained tokens, as places in the flattened sequences, each once."""
    at: torch.Tensor
    """(trained tokens,): of each its predictor, as a place in `predictors`."""
    targets: torch.Tensor
    """(trained tokens,): the ids."""
    nodes: int
    """Distinct tokens that are computed, padding left out."""
    tokens: int
    """Tokens of all rows, shared ones counted in each."""


def collate(groups: Sequence[Sequence[Unit]], share: bool = True) -> dict[str, Any]:
    """The tensors of a micro-batch.

    Args:
        groups: the units, as `packs` grouped them.
        share: make one sequence of each group, with shared beginnings once; else one of each line.

    Returns:
        `layout`, `batch`: the fields of each as a dict, so that a trainer can move them.
    """
    laid = [[line for unit in units for line in unit] for units in groups]
    if not share:
        laid = [[line] for lines in laid for line in lines]
    forests = [forest(lines) for lines in laid]
    chains = all(each.chain for each in forests)
    width = max(len(each.ids) for each in forests)
    ids = np.zeros((len(forests), width), np.int64)
    # Positions go on in the padding behind single rows: models read a jump back as a new row.
    positions = np.tile(np.arange(width) if chains else np.zeros(width, int), (len(forests), 1))
    predictors: list[np.ndarray[Any, Any]] = []
    targets: list[np.ndarray[Any, Any]] = []
    for number, (lines, laid_out) in enumerate(zip(laid, forests, strict=True)):
        ids[number, : len(laid_out.ids)] = laid_out.ids
        positions[number, : len(laid_out.ids)] = laid_out.positions
        for line, path in zip(lines, laid_out.paths, strict=True):
            predictors.append(path[line.places - 1] + number * width)
            targets.append(line.ids[line.places])
    unique, at = np.unique(np.concatenate(predictors), return_inverse=True)
    layout = {
        "ids": torch.from_numpy(ids),
        "positions": torch.from_numpy(positions),
        "mask": None if chains else _attention(forests, width),
        "predictors": torch.from_numpy(unique),
        "at": torch.from_numpy(at),
        "targets": torch.from_numpy(np.concatenate(targets)),
        "nodes": sum(len(each.ids) for each in forests),
        "tokens": sum(len(line.ids) for lines in laid for line in lines),
    }
    return {"layout": layout, "batch": _batch([line for lines in laid for line in lines])}


def _attention(forests: Sequence[Forest], width: int) -> torch.Tensor:
    """Ancestors, and for padding itself, since a row of nothing would be NaN."""
    last = torch.arange(width).repeat(len(forests), 1)
    for number, each in enumerate(forests):
        last[number, : len(each.last)] = torch.from_numpy(each.last)
    node = torch.arange(width)
    before = node[:, None] >= node[None, :]
    return (before & (node[:, None] <= last[:, None, :])).unsqueeze(1)


def _batch(lines: Sequence[Line]) -> dict[str, Any]:
    lengths = [len(line.places) for line in lines]
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]

    def padded(name: str, dtype: torch.dtype) -> torch.Tensor:
        values = torch.zeros(mask.shape, dtype=dtype)
        values[mask] = torch.from_numpy(np.concatenate([getattr(x, name) for x in lines])).to(dtype)
        return values

    known = all(line.reference_logprobs is not None for line in lines)
    return {
        "loss_mask": mask,
        "advantages": padded("advantages", torch.float32),
        "old_logprobs": padded("old_logprobs", torch.float32),
        "sampler_logprobs": padded("sampler_logprobs", torch.float32),
        "off_policy": padded("off_policy", torch.bool),
        "reference_logprobs": padded("reference_logprobs", torch.float32) if known else None,
        "sampled": torch.tensor([line.sampled for line in lines]),
        "extras": tuple(line.extras for line in lines),
    }
