"""Beginnings that were read before: their keys and values, found again block by block."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .cache import KeysValues

BLOCK = 16
"""Tokens that are matched together."""


@dataclass(eq=False, slots=True)
class _Known:
    """A sequence that was read."""

    ids: tuple[int, ...]
    states: KeysValues

    @property
    def bytes(self) -> int:
        return sum(t.numel() * t.element_size() for pair in self.states for t in pair)


class Prefixes:
    """The most recently used sequences, within a limit.

    Args:
        capacity: bytes of keys and values at most; 0 keeps nothing.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held = 0
        self._known: OrderedDict[int, _Known] = OrderedDict()
        """By the id of the object, least recently used first."""
        self._blocks: dict[int, _Known] = {}
        """Which sequence begins with the blocks whose chained hash this is."""

    def find(self, ids: Sequence[int], most: int) -> tuple[int, KeysValues | None]:
        """The longest known beginning of `ids`, of at most `most` tokens: its length and states."""
        best: _Known | None = None
        length = 0
        for chained, stop in blocks(ids, most):
            known = self._blocks.get(chained)
            if known is None or known.ids[length:stop] != tuple(ids[length:stop]):
                break
            best, length = known, stop
        if best is None or best.ids[:length] != tuple(ids[:length]):
            return 0, None
        self._known.move_to_end(id(best))
        return length, [(keys[:, :length], values[:, :length]) for keys, values in best.states]

    def knows(self, ids: Sequence[int]) -> bool:
        """Whether every whole block of `ids` is known, so that adding it brings nothing."""
        return all(chained in self._blocks for chained, _ in blocks(ids, len(ids)))

    def add(self, ids: Sequence[int], states: KeysValues) -> None:
        """Remember a sequence; `states` belong to the store from now on."""
        known = _Known(tuple(ids), states)
        if known.bytes > self.capacity:
            return
        self._known[id(known)] = known
        self._held += known.bytes
        for chained, _ in blocks(ids, len(ids)):
            self._blocks[chained] = known
        while self._held > self.capacity:
            _, oldest = self._known.popitem(last=False)
            self._held -= oldest.bytes
            for chained, _ in blocks(oldest.ids, len(oldest.ids)):
                if self._blocks.get(chained) is oldest:
                    del self._blocks[chained]

    def clear(self) -> None:
        """Forget everything, when the weights change."""
        self._known.clear()
        self._blocks.clear()
        self._held = 0


def blocks(ids: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """The chained hash and the end of each whole block within the first `most` of `ids`."""
    chained = 0
    for stop in range(BLOCK, most + 1, BLOCK):
        chained = hash((chained, *ids[stop - BLOCK : stop]))
        yield chained, stop
