"""What finds the records of one namespace: by words, by the meaning of texts, and of actions."""

from __future__ import annotations

from collections.abc import Sequence

from ..tools.fusion import fused
from .meanings import Meanings
from .sealing import Stored
from .vectors import numbers
from .words import WordIndex

FUSED = 50
"""Records of each ranking that are joined, at least."""


class Index:
    """Keys of records, searchable; it holds the records' texts and vectors, not the records."""

    def __init__(self) -> None:
        self.words = WordIndex()
        self.texts = Meanings()
        self.actions = Meanings()
        self._episodes: dict[tuple[str, str], set[str]] = {}
        self._episode_of: dict[str, tuple[str, str]] = {}

    def __len__(self) -> int:
        return len(self._episode_of)

    def put(self, stored: Stored) -> None:
        """Take a record in, in place of any with its key. Texts of active records are found,
        actions of records of any status."""
        key = stored.record.key
        origin = stored.record.provenance
        self._leave_episode(key)
        self._episode_of[key] = (origin.run, origin.episode)
        self._episodes.setdefault((origin.run, origin.episode), set()).add(key)
        if stored.record.status == "active":
            self.words.add(key, stored.record.text)
            self.texts.add(key, numbers(stored.vector))
        else:
            self.words.remove(key)
            self.texts.remove(key)
        if stored.action_vector:
            self.actions.add(key, numbers(stored.action_vector))
        else:
            self.actions.remove(key)

    def remove(self, key: str) -> None:
        """Forget a record; nothing happens when it is not held."""
        self._leave_episode(key)
        self.words.remove(key)
        self.texts.remove(key)
        self.actions.remove(key)

    def of_episode(self, run: str, episode: str) -> list[str]:
        """The keys of what was written in an episode."""
        return sorted(self._episodes.get((run, episode), ()))

    def search(self, query: str, vector: Sequence[float], k: int) -> list[tuple[str, float]]:
        """The `k` best keys by words and by meaning together, with their scores."""
        wide = max(k, FUSED)
        by_meaning = [key for key, score in self.texts.search(vector, wide) if score > 0]
        return fused((self.words.search(query, wide), by_meaning))[:k]

    def _leave_episode(self, key: str) -> None:
        place = self._episode_of.pop(key, None)
        if place is not None:
            self._episodes[place].discard(key)
            if not self._episodes[place]:
                del self._episodes[place]
