"""Vectors of a namespace: searched exactly while they are few, and approximately when very many.

The graph for many is built in a thread beside the exact index, which answers until it is done. What
changes meanwhile is changed in the graph at the end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..tools.vectors import VectorIndex
from .approximate import ApproximateIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT = 200_000
"""Vectors up to which every one is looked at."""
AT_ONCE = 2000
"""Vectors that go into the graph in one step."""


class Meanings:
    """Vectors by key, compared by the cosine of their angle. Safe to use from several threads.

    Args:
        exact: vectors up to which the search is exact; also above where usearch is not installed.
    """

    def __init__(self, exact: int = EXACT) -> None:
        self._exact = exact
        self._lock = threading.Lock()
        self._flat: VectorIndex | None = VectorIndex()
        self._graph: ApproximateIndex | None = None
        self._builder: threading.Thread | None = None
        self._late: set[str] = set()

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, key: object) -> bool:
        return key in self._index

    @property
    def approximate(self) -> bool:
        """Whether searches may miss some of the nearest."""
        return self._flat is None

    @property
    def _index(self) -> VectorIndex | ApproximateIndex:
        flat = self._flat
        if flat is not None:
            return flat
        assert self._graph is not None
        return self._graph

    def add(self, key: str, vector: Sequence[float] | NDArray[Any]) -> None:
        """Hold a vector under `key`, in place of any that it had."""
        with self._lock:
            self._index.add(key, vector)
            self._changed(key)

    def remove(self, key: str) -> bool:
        """Forget a vector. False when there was none."""
        with self._lock:
            self._changed(key)
            return self._index.remove(key)

    def search(self, vector: Sequence[float] | NDArray[Any], k: int) -> list[tuple[str, float]]:
        """The `k` nearest keys, with the cosine; nearest first, equals by key."""
        return self._index.search(vector, k)

    def wait(self) -> None:
        """Until a graph that is being built is done."""
        if self._builder is not None:
            self._builder.join()

    def _changed(self, key: str) -> None:
        if self._flat is None:
            return
        if self._builder is not None:
            self._late.add(key)
        elif len(self._flat) > self._exact and find_spec("usearch"):
            copy = self._flat.contents()
            self._builder = threading.Thread(target=self._build, args=copy, daemon=True)
            self._builder.start()

    def _build(self, keys: Sequence[str], vectors: NDArray[Any]) -> None:
        graph = ApproximateIndex(vectors.shape[1])
        threads = max(1, (os.cpu_count() or 1) // 2)
        for start in range(0, len(keys), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            graph.add_all(keys[part], vectors[part], threads)
        with self._lock:
            assert self._flat is not None
            for key in self._late:
                if key in self._flat:
                    graph.add(key, self._flat[key])
                else:
                    graph.remove(key)
            self._graph = graph
            self._flat = None
