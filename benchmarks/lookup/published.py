"""Questions and claims in the file that their benchmark publishes, with a corpus to search in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from .environment import Lookup


class Published(Lookup):
    """Tasks from a file.

    Args:
        data: the folder with the benchmark's file, or the file.
        corpus: a file that `Corpus.build` wrote, with titles, to search in.
        max_steps: actions until a task ends without an answer.
    """

    def __init__(
        self, *, data: str | Path | None, corpus: str | Path | None, max_steps: int
    ) -> None:
        super().__init__(max_steps=max_steps)
        self._data = data
        self._corpus = corpus
        self.faults: Counter[str] = Counter()
        """What was left out of the data and why, with how many."""

    @property
    def options(self) -> dict[str, Any]:
        places = {"data": self._data, "corpus": self._corpus}
        named = {key: None if path is None else str(path) for key, path in places.items()}
        return {**named, **super().options}
