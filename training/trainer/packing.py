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


def forest(lines: Sequence[Line]) -> Forest:
    """Lay lines out as one sequence; their order is kept in `paths`."""
    order = sorted(range(len(lines)), key=lambda at: lines[at].ids.tolist())
    paths: list[Ints] = [np.empty(0, np.int64)] * len(lines)
    ids, positions = [], []
    last = np.empty(sum(len(line.ids) for line in lines), np.int64)
    count, before, path = 0, np.empty(0, np.int64), np.empty(0, np.int64)
    for at in order:
        row = lines[at].ids
        shared = common(before, row)
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
        share: lay units out as forests; else nothing stands in a sequence with anything else, and
            a pair takes two.

    Returns:
        Of each micro-batch, of each of its groups, the numbers of its units: a group is a sequence,
        or with `share=False` a unit. Every unit is in one group.
    """
    order = sorted(range(len(units)), key=lambda at: units[at][0].ids.tolist())
    groups: list[tuple[int, list[int]]] = []
    for at in order:
        if not share:
            groups.append((max(len(line.ids) for line in units[at]), [at]))
            continue
        if groups:
            width, held = groups[-1]
            more = _nodes(units[at], units[held[-1]][0].ids)
            if width + more <= sequence_tokens:
                groups[-1] = (width + more, [*held, at])
                continue
        groups.append((_nodes(units[at], np.empty(0, np.int64)), [at]))
    groups.sort(key=lambda each: (-each[0], each[1]))
    batches: list[list[list[int]]] = []
    widest = rows = 0
    for width, held in groups:
        more = 1 if share else len(units[held[0]])
        if batches and widest * (rows + more) <= batch_tokens:
            batches[-1].append(held)
            rows += more
        else:
            batches.append([held])
            widest, rows = width, more
    return batches


def _nodes(unit: Unit, before: Ints) -> int:
    """How many nodes a unit adds behind a row, at most."""
    total = 0
    for line in unit:
        total += len(line.ids) - common(before, line.ids)
        before = line.ids
    return total
