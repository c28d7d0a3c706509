"""Finding by meaning: a flat, exact index of unit vectors.

The vectors stand in one matrix that is made larger when it is full and otherwise changed in place:
a new vector takes the next row, a removed one's row is taken by the last. A search is one product
of the matrix with the query, so its answer is exact.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

CAPACITY = 256
"""Rows of the first matrix."""


class VectorIndex:
    """Vectors by key, compared by the cosine of their angle. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: list[str] = []
        self._rows: dict[str, int] = {}
        self._matrix: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    @property
    def width(self) -> int | None:
        """Numbers in a vector; None before the first."""
        return None if self._matrix is None else int(self._matrix.shape[1])

    def add(self, key: str, vector: Sequence[float] | NDArray[Any]) -> None:
        """Hold a vector under `key`, in place of any that it had.

        Raises:
            ValueError: the vector is not as wide as the others, or holds what is no finite number.
        """
        unit = unit_vector(vector)
        with self._lock:
            if self._matrix is None:
                self._matrix = _empty(CAPACITY, unit.size)
            elif unit.size != self._matrix.shape[1]:
                raise ValueError(
                    f"a vector of {unit.size} numbers does not fit an index of "
                    f"{self._matrix.shape[1]}: use one embedding model throughout"
                )
            row = self._rows.get(key)
            if row is None:
                row = len(self._keys)
                if row == len(self._matrix):
                    larger = _empty(2 * row, unit.size)
                    larger[:row] = self._matrix
                    self._matrix = larger
                self._keys.append(key)
                self._rows[key] = row
            self._matrix[row] = unit

    def remove(self, key: str) -> bool:
        """Forget a vector. False when there was none."""
        with self._lock:
            row = self._rows.pop(key, None)
            if row is None:
                return False
            assert self._matrix is not None
            last = self._keys.pop()
            if last != key:
                self._matrix[row] = self._matrix[len(self._keys)]
                self._keys[row] = last
                self._rows[last] = row
            return True

    def __getitem__(self, key: str) -> NDArray[Any]:
        """The vector under a key, of length 1."""
        with self._lock:
            assert self._matrix is not None
            vector: NDArray[Any] = self._matrix[self._rows[key]].copy()
            return vector

    def contents(self) -> tuple[list[str], NDArray[Any]]:
        """All keys, and a copy of their vectors, [keys, width].

        Raises:
            ValueError: there are none.
        """
        with self._lock:
            if self._matrix is None:
                raise ValueError("an index that never held a vector has no width")
            return list(self._keys), self._matrix[: len(self._keys)].copy()

    def search(self, vector: Sequence[float] | NDArray[Any], k: int) -> list[tuple[str, float]]:
        """The `k` keys whose vectors are nearest, with the cosine; nearest first, equals by key.

        Raises:
            ValueError: the vector is not as wide as the others, or holds what is no finite number.
        """
        import numpy as np

        unit = unit_vector(vector)
        with self._lock:
            if k < 1 or not self._keys:
                return []
            assert self._matrix is not None
            if unit.size != self._matrix.shape[1]:
                raise ValueError(
                    f"a query of {unit.size} numbers does not fit an index of "
                    f"{self._matrix.shape[1]}: use one embedding model throughout"
                )
            scores = self._matrix[: len(self._keys)] @ unit
            rows = np.arange(len(scores))
            if k < len(scores):
                least = np.partition(scores, len(scores) - k)[len(scores) - k]
                rows = np.flatnonzero(scores >= least)
            best = [(self._keys[row], float(scores[row])) for row in rows.tolist()]
        return sorted(best, key=lambda found: (-found[1], found[0]))[:k]


def unit_vector(values: Sequence[float] | NDArray[Any]) -> NDArray[Any]:
    """The vector of length 1 in the same direction, in 32 bits; of nothing but zeros, zeros.

    Raises:
        ValueError: it is empty, not flat, or holds what is no finite number.
    """
    import numpy as np

    vector = np.asarray(values, np.float32)
    if vector.ndim != 1 or not vector.size:
        raise ValueError(f"a vector is a flat list of numbers, not of shape {vector.shape}")
    finite = np.isfinite(vector)
    if not finite.all():
        place = int(np.argmin(finite))
        raise ValueError(f"number {place} of {vector.size} in a vector is {vector[place]}")
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector


def _empty(rows: int, width: int) -> NDArray[Any]:
    import numpy as np

    return np.empty((rows, width), np.float32)
