"""Several rows in one forward pass, with shared beginnings computed once.

Rows are sorted, so that each shares its longest beginning with the row before it, and laid out as a
forest: a token that stands in several rows after the same tokens is one node. A node's position is
its depth, and it attends to its ancestors alone, so rows in one sequence do not see each other.
Turns of one conversation, rollouts of one prompt, and the two sides of a preference pair thus cost
their distinct tokens. Where nothing is shared this is plain packing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .lines import Line, Unit

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """One sequence: the distinct tokens of some lines, in pre-order. Arrays have one for each."""

    ids: Ints
    positions: Ints
    """Depth in the tree, from 0: what a row alone would have."""
    last: Ints
    """The last node below each: node j is an ancestor of i (or i itself) if j <= i <= last[j]."""
    paths: tuple[Ints, ...]
    """Of each line, the nodes of its tokens."""

    @property
    def chain(self) -> bool:
        """Whether it is a single row, for which a causal mask does."""
        return bool((self.last == len(self.ids) - 1).all())


def forest(lines: Sequence[Line], share: bool = True) -> Forest:
    """Lay lines out as one sequence; their order is kept in `paths`.

    Args:
        share: compute a shared beginning once; else rows stand beside each other.
    """
    order = sorted(range(len(lines)), key=lambda at: lines[at].ids.tolist())
    paths: list[Ints] = [np.empty(0, np.int64)] * len(lines)
    ids, positions = [], []
    last = np.empty(sum(len(line.ids) for line in lines), np.int64)
    count, before, path = 0, np.empty(0, np.int64), np.empty(0, np.int64)
    for at in order:
        row = lines[at].ids
        shared = common(before, row) if share else 0
        end = count + len(row) - shared
        path = np.concatenate([path[:shared], np.arange(count, end)])
        last[path] = end - 1
        ids.append(row[shared:])
        positions.append(np.arange(shared, len(row)))
        paths[at] = path
        count, before = end, row
    return Forest(np.concatenate(ids), np.concatenate(positions), last[:count], tuple(paths))


def common(one: Ints, other: Ints) -> int:
    """How many tokens two rows begin with in common."""
    length = min(len(one), len(other))
    differing = np.flatnonzero(one[:length] != other[:length])
    return int(differing[0]) if len(differing) else length


def packs(
    units: Sequence[Unit], sequence_tokens: int, batch_tokens: int, share: bool = True
) -> list[list[list[int]]]:
    """Cut the units of one update into micro-batches of sequences.

    Args:
        units: what is to be laid out.
        sequence_tokens: nodes of one sequence at most, unless one unit alone has more.
        batch_tokens: nodes of one micro-batch at most, padding included, with the same exception.
        share: as in `forest`.

    Returns:
        Of each micro-batch, of each of its sequences, the numbers of its units. Every unit is in
        one sequence.
    """
    order = sorted(range(len(units)), key=lambda at: units[at][0].ids.tolist())
    sequences: list[tuple[int, list[int]]] = []
    for at in order:
        alone = _nodes(units[at], np.empty(0, np.int64), share)
        if sequences:
            width, held = sequences[-1]
            more = _nodes(units[at], units[held[-1]][0].ids, share)
            if width + more <= sequence_tokens:
                sequences[-1] = (width + more, [*held, at])
                continue
        sequences.append((alone, [at]))
    sequences.sort(key=lambda each: (-each[0], each[1]))
    batches: list[tuple[int, list[list[int]]]] = []
    for width, held in sequences:
        if batches and batches[-1][0] * (len(batches[-1][1]) + 1) <= batch_tokens:
            batches[-1][1].append(held)
        else:
            batches.append((width, [held]))
    return [held for _, held in batches]


def _nodes(unit: Unit, before: Ints, share: bool) -> int:
    """How many nodes a unit adds behind a row, at most."""
    total = 0
    for line in unit:
        total += len(line.ids) - (common(before, line.ids) if share else 0)
        before = line.ids
    return total
