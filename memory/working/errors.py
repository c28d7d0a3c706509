"""Error memory: make up for a model's mistakes with those that it made lately on similar inputs.

A base model gives a score p for an input whose hidden representation is h. When the true label y
comes in, (h, y - p) is written to a memory; the next prediction near h is corrected by what the
memory finds there: `clip(p + weight * error)`. Nothing is trained, the oldest errors are forgotten,
and the memory is emptied when the base is trained again. It serves any score with a later truth: a
click, a judge's grade, a critic's verdict.

`NearestErrors` compares with every error that it holds. `SketchedErrors` hashes h into a few tables
of random signs and keeps a count and a sum per bucket, so that reading and writing take the same
time however much was learnt.

Paper: "ReLoop2: Building Self-Adaptive Recommendation Models via Responsive Error Compensation
Loop", arXiv 2306.08808. Its constants were not recoverable: the defaults are assumptions. So is
`near`: a softmax over the nearest alone would carry errors to inputs that are like none of them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...episodes.paper import Paper

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAPER = Paper(
    title=(
        "ReLoop2: Building Self-Adaptive Recommendation Models via Responsive Error Compensation "
        "Loop"
    ),
    arxiv="2306.08808",
    kind="memory",
)


class ErrorMemory(ABC):
    """Errors of one model, by what it saw.

    Args:
        width: numbers in a key.
        capacity: errors that are held; the oldest goes first.
        weight: how much of an error is made up for; 0 leaves the model as it is.

    Raises:
        ValueError: a setting is out of its range.
    """

    def __init__(self, width: int, *, capacity: int, weight: float) -> None:
        for name, value in {"width": width, "capacity": capacity}.items():
            if value < 1:
                raise ValueError(f"{name}={value}: it must be at least 1")
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"weight={weight}: it must be a number of at least 0")
        self.width = width
        self.capacity = capacity
        self.weight = weight

    def corrected(self, key: Sequence[float] | NDArray[Any], predicted: float) -> float:
        """The model's score for `key`, with its recent errors made up for; within [0, 1].

        Raises:
            ValueError: the key is no direction of `width` numbers, or the score no probability.
        """
        _probability("a predicted score", predicted)
        return min(1.0, max(0.0, predicted + self.weight * self._error(self._unit(key))))

    def learn(self, key: Sequence[float] | NDArray[Any], predicted: float, label: float) -> None:
        """Note what the model said of `key`, and what was true.

        Raises:
            ValueError: as in `corrected`, or the label is no probability.
        """
        _probability("a predicted score", predicted)
        _probability("a label", label)
        self._write(self._unit(key), label - predicted)

    @abstractmethod
    def __len__(self) -> int:
        """Errors held."""

    @abstractmethod
    def clear(self) -> None:
        """Forget all errors: the model was trained again."""

    @abstractmethod
    def _error(self, unit: NDArray[Any]) -> float:
        """The error to expect near a direction."""

    @abstractmethod
    def _write(self, unit: NDArray[Any], error: float) -> None: ...

    def _unit(self, key: Sequence[float] | NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        vector = np.asarray(key, float)
        if vector.shape != (self.width,):
            raise ValueError(f"a key has the shape ({self.width},), not {vector.shape}")
        length = float(np.linalg.norm(vector))
        if not math.isfinite(length) or length == 0:
            raise ValueError(f"a key points somewhere, but this one has length {length}")
        return vector / length


class NearestErrors(ErrorMemory):
    """The exact memory: the softmax-weighted error of the nearest keys.

    Args:
        width: numbers in a key.
        capacity: errors that are held, and compared with at each reading.
        neighbours: nearest errors that count.
        temperature: of the softmax over their cosine similarities.
        near: the similarity below which an error does not count.
        weight: how much of an error is made up for.

    Raises:
        ValueError: a setting is out of its range.
    """

    def __init__(
        self,
        width: int,
        *,
        capacity: int = 1000,
        neighbours: int = 8,
        temperature: float = 0.1,
        near: float = 0.5,
        weight: float = 1.0,
    ) -> None:
        import numpy as np

        super().__init__(width, capacity=capacity, weight=weight)
        if neighbours < 1:
            raise ValueError(f"neighbours={neighbours}: it must be at least 1")
        if not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature={temperature}: it must be a positive number")
        if not -1 <= near <= 1:
            raise ValueError(f"near={near}: a cosine similarity is in [-1, 1]")
        self.neighbours = neighbours
        self.temperature = temperature
        self.near = near
        self._keys = np.zeros((capacity, width))
        self._errors = np.zeros(capacity)
        self._written = 0

    def __len__(self) -> int:
        return min(self._written, self.capacity)

    def clear(self) -> None:
        self._written = 0

    def _error(self, unit: NDArray[Any]) -> float:
        import numpy as np

        likeness = self._keys[: len(self)] @ unit
        best = np.arange(len(self))
        if len(self) > self.neighbours:
            best = np.argpartition(likeness, -self.neighbours)[-self.neighbours :]
        best = best[likeness[best] >= self.near]
        if not len(best):
            return 0.0
        weights = np.exp((likeness[best] - likeness[best].max()) / self.temperature)
        return float(weights @ self._errors[best] / weights.sum())

    def _write(self, unit: NDArray[Any], error: float) -> None:
        place = self._written % self.capacity
        self._keys[place], self._errors[place] = unit, error
        self._written += 1


class SketchedErrors(ErrorMemory):
    """The memory of constant time: a count and a sum of errors per bucket of a few hash tables.

    A table hashes a key by the signs of `bits` random projections, so keys at a small angle mostly
    share their bucket (Charikar, STOC 2002). The error is the mean over the tables of the mean in
    the key's bucket; an empty bucket counts as no error.

    Args:
        width: numbers in a key.
        capacity: errors that are held.
        tables: hash tables.
        bits: of a hash; a table has two to that power of buckets.
        weight: how much of an error is made up for.
        seed: of the projections.

    Raises:
        ValueError: a setting is out of its range.
    """

    def __init__(
        self,
        width: int,
        *,
        capacity: int = 10_000,
        tables: int = 16,
        bits: int = 8,
        weight: float = 1.0,
        seed: int = 0,
    ) -> None:
        import numpy as np

        super().__init__(width, capacity=capacity, weight=weight)
        if tables < 1:
            raise ValueError(f"tables={tables}: it must be at least 1")
        if not 1 <= bits <= 24:
            raise ValueError(f"bits={bits}: it must be between 1 and 24")
        draw = np.random.default_rng(seed)
        self._planes = draw.standard_normal((tables * bits, width))
        self._powers = 2 ** np.arange(bits)
        self._rows = np.arange(tables)
        self._counts = np.zeros((tables, 2**bits), int)
        self._sums = np.zeros((tables, 2**bits))
        self._window: deque[tuple[NDArray[Any], float]] = deque()

    def __len__(self) -> int:
        return len(self._window)

    def clear(self) -> None:
        self._window.clear()
        self._counts[:] = 0
        self._sums[:] = 0.0

    def _error(self, unit: NDArray[Any]) -> float:
        buckets = self._buckets(unit)
        counts = self._counts[self._rows, buckets]
        return float((self._sums[self._rows, buckets] / counts.clip(1)).mean())

    def _write(self, unit: NDArray[Any], error: float) -> None:
        if len(self._window) == self.capacity:
            self._add(*self._window.popleft(), count=-1)
        entry = (self._buckets(unit), error)
        self._window.append(entry)
        self._add(*entry, count=1)

    def _add(self, buckets: NDArray[Any], error: float, *, count: int) -> None:
        self._counts[self._rows, buckets] += count
        self._sums[self._rows, buckets] += count * error

    def _buckets(self, unit: NDArray[Any]) -> NDArray[Any]:
        """The bucket of each table, [tables]."""
        signs = (self._planes @ unit > 0).reshape(len(self._rows), -1)
        buckets: NDArray[Any] = signs @ self._powers
        return buckets


def _probability(what: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{what} is in [0, 1], not {value}")
