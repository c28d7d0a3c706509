"""Keys and values of many sequences side by side, which come and go while others go on.

All sequences end at the same column: a step writes one column for all of them, a sequence that
joins is laid down so that it ends there, and one that leaves gives its row to the last. What is to
the left of a shorter sequence is masked, and zero: a masked value still enters a sum with weight
zero, so it must be finite. So a step costs one slice, and no sequence waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

KeysValues = list[tuple[torch.Tensor, torch.Tensor]]
"""Of one sequence: the keys and the values of each layer, both [heads, tokens, width]."""
SPARE = 64
"""Columns and rows to begin with."""


class SideBySide(Cache):
    """A cache of rows that may join and leave, for layers that attend to the whole context.

    Attributes:
        end: the column that is written next, by all rows.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__(layer_class_to_replicate=partial(_Layer, self))  # type: ignore[arg-type]
        self.end = 0
        self.columns = SPARE
        self.capacity = 1
        self._first: list[int] = []
        self._real = torch.zeros(1, SPARE, dtype=torch.bool, device=device)
        """Which columns hold a token of the row's, [capacity, columns]."""

    @property
    def _own_layers(self) -> list[_Layer]:
        return cast("list[_Layer]", self.layers)

    @property
    def rows(self) -> int:
        """How many sequences there are."""
        return len(self._first)

    @property
    def start(self) -> int:
        """The first column that any sequence needs."""
        return min(self._first, default=self.end)

    def add(self, sequences: Sequence[KeysValues | None]) -> None:
        """New rows, below the others; None is a row without tokens yet."""
        lengths = [sequence[0][0].shape[1] if sequence else 0 for sequence in sequences]
        self._make_room(self.rows + len(sequences), max(self.end - self.start, *lengths), 0)
        before, others = self.start, slice(0, self.rows)
        for sequence, length in zip(sequences, lengths, strict=True):
            row = self.rows
            self._first.append(self.end - length)
            self._real[row] = False
            self._real[row, self.end - length : self.end] = True
            for index, (keys, values) in enumerate(sequence or ()):
                while len(self.layers) <= index:
                    self.layers.append(_Layer(self))
                self._own_layers[index].place(row, keys, values)
        start = self.start
        for layer in self._own_layers:
            layer.blank(others, slice(start, before))
            for row, first in enumerate(self._first[others.stop :], others.stop):
                layer.blank(slice(row, row + 1), slice(start, first))

    def remove(self, row: int) -> None:
        """Drop a row; the last one takes its place."""
        last = self.rows - 1
        if row != last:
            self._real[row] = self._real[last]
            self._first[row] = self._first[last]
            for layer in self._own_layers:
                layer.move(last, row, slice(self.start, self.end))
        self._first.pop()

    def take(self, row: int) -> KeysValues:
        """A copy of one sequence."""
        columns = self._real[row].nonzero()[:, 0]
        return [
            (layer.keys[row].index_select(1, columns), layer.values[row].index_select(1, columns))
            for layer in self._own_layers
        ]

    def open(self, real: torch.Tensor) -> torch.Tensor:
        """Make room for new columns and say what each query may see.

        Args:
            real: which of the new columns are tokens, [rows, new].

        Returns:
            The attention mask, bool [rows, 1, new, columns]. A query that is padding sees itself,
            lest its softmax be empty.
        """
        new = real.shape[1]
        self._make_room(self.rows, self.end - self.start, new)
        seen = self._real[: self.rows, None, self.start : self.end].expand(-1, new, -1)
        square = torch.ones(new, new, dtype=torch.bool, device=real.device)
        own = (real[:, None] & square.tril()) | square.diag().diag()
        return torch.cat([seen, own], dim=-1)[:, None]

    def close(self, real: torch.Tensor) -> None:
        """The columns that were opened are written."""
        new = real.shape[1]
        self._real[: self.rows, self.end : self.end + new] = real
        self.end += new

    def _make_room(self, rows: int, width: int, new: int) -> None:
        """See to it that so many rows fit, with `width` columns behind `end` and `new` ahead."""
        if rows <= self.capacity and width <= self.end and self.end + new <= self.columns:
            return
        kept = self.end - self.start
        capacity = max(self.capacity, 2 ** (rows - 1).bit_length())
        columns = max(2 * (width + new), SPARE)
        shift = width - self.end
        real = self._real.new_zeros(capacity, columns)
        real[: self.rows, width - kept : width] = self._real[: self.rows, self.start : self.end]
        for layer in self._own_layers:
            layer.resize(capacity, columns, slice(self.start, self.end), width - kept)
        self._real = real
        self._first = [first + shift for first in self._first]
        self.capacity, self.columns, self.end = capacity, columns, width


class _Layer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One layer's keys and values, both [capacity, heads, columns, width]."""

    is_sliding = False
    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, table: SideBySide) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.table = table

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        shape = self.table.capacity, self.table.columns
        self.keys = _new(key_states, *shape)
        self.values = _new(value_states, *shape)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        table = self.table
        end = table.end + key_states.shape[2]
        self.keys[: table.rows, :, table.end : end] = key_states
        self.values[: table.rows, :, table.end : end] = value_states
        seen = slice(table.start, end)
        return self.keys[: table.rows, :, seen], self.values[: table.rows, :, seen]

    def place(self, row: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        if not self.is_initialized:
            self.lazy_initialization(keys[None], values[None])
        columns = slice(self.table.end - keys.shape[1], self.table.end)
        self.keys[row, :, columns] = keys
        self.values[row, :, columns] = values

    def blank(self, rows: slice, columns: slice) -> None:
        self.keys[rows, :, columns] = 0
        self.values[rows, :, columns] = 0

    def move(self, old: int, new: int, columns: slice) -> None:
        for states in (self.keys, self.values):
            states[new, :, columns] = states[old, :, columns]

    def resize(self, capacity: int, columns: int, kept: slice, at: int) -> None:
        rows = self.table.rows
        for name in ("keys", "values"):
            old = getattr(self, name)
            new = _new(old, capacity, columns)
            new[:rows, :, at : at + kept.stop - kept.start] = old[:rows, :, kept]
            setattr(self, name, new)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_seq_length(self) -> int:
        return self.table.end - self.table.start

    def get_max_length(self) -> int:
        return -1


def _new(like: torch.Tensor, capacity: int, columns: int) -> torch.Tensor:
    return like.new_empty(capacity, like.shape[1], columns, like.shape[3])
