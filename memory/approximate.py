"""Finding by meaning among very many: a graph of near neighbours (HNSW: Malkov and Yashunin, 2016).

The graph is usearch's: of the kept libraries that install as wheels it is the one whose graph takes
vectors out again (faiss's HNSW only grows), and it holds them in 16 bits.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..tools.vectors import unit_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBOURS = 16
"""Edges of a vector in the graph."""
ADDING = 128
"""Candidates that are looked at for a new vector's edges."""
SEARCHING = 128
"""Candidates that are looked at in a search."""


class ApproximateIndex:
    """Vectors by key, like `VectorIndex`; a search may miss some of the nearest.

    Args:
        width: numbers in a vector.

    Raises:
        ImportError: usearch is not installed.
    """

    def __init__(self, width: int) -> None:
        from usearch.index import Index

        self._lock = threading.Lock()
        self._graph = Index(
            ndim=width,
            metric="ip",  # of unit vectors: the cosine
            dtype="f16",
            connectivity=NEIGHBOURS,
            expansion_add=ADDING,
            expansion_search=SEARCHING,
        )
        self._numbers: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, key: object) -> bool:
        return key in self._numbers

    def add(self, key: str, vector: Sequence[float] | NDArray[Any]) -> None:
        """Hold a vector under `key`, in place of any that it had."""
        self.add_all([key], unit_vector(vector)[None])

    def add_all(self, keys: Sequence[str], vectors: NDArray[Any], threads: int = 1) -> None:
        """Hold vectors of length 1, [keys, width], under different keys."""
        import numpy as np

        with self._lock:
            for key in keys:
                self._remove(key)
            numbers = np.arange(self._next, self._next + len(keys))
            self._graph.add(numbers, vectors, threads=threads)
            for number, key in zip(numbers.tolist(), keys):
                self._numbers[key], self._keys[number] = number, key
            self._next += len(keys)

    def remove(self, key: str) -> bool:
        """Forget a vector. False when there was none."""
        with self._lock:
            return self._remove(key)

    def search(self, vector: Sequence[float] | NDArray[Any], k: int) -> list[tuple[str, float]]:
        """About the `k` nearest keys, with the cosine; nearest first, equals by key."""
        with self._lock:
            if k < 1 or not self._numbers:
                return []
            found = self._graph.search(unit_vector(vector), min(k, len(self._numbers)))
            best = [
                (self._keys[number], 1 - distance)
                for number, distance in zip(found.keys.tolist(), found.distances.tolist())
            ]
        return sorted(best, key=lambda one: (-one[1], one[0]))

    def _remove(self, key: str) -> bool:
        number = self._numbers.pop(key, None)
        if number is None:
            return False
        del self._keys[number]
        self._graph.remove(number)
        return True
