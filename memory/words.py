"""Finding by words: BM25 (Robertson and Zaragoza, 2009) over texts that come and go.

Each stem has the rows of the texts that it stands in, and how often, in two arrays that grow at
their ends; a search adds up whole arrays. A removed text's row is left empty, and the arrays are
written anew when more rows are empty than not. SQLite's FTS5, which ranks the tools, takes over a
microsecond for each text that has a word of the query; here it is a hundredth of that, and memories
are searched at every step.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..models.lexical import words_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

SATURATION = 1.2
"""BM25's k1: how soon a word's being said again counts no more."""
LENGTH = 0.75
"""BM25's b: how much a long text's words count less."""
TERMS = 64
"""Different words of a query that count, at most."""
CAPACITY = 256
"""Rows at first."""


class WordIndex:
    """Texts by key, ranked by the words that they share with a query, in any English inflection.
    Safe to use from several threads."""

    def __init__(self) -> None:
        import numpy as np
        from Stemmer import Stemmer

        self._stem = Stemmer("english")
        self._lock = threading.Lock()
        self._postings: dict[str, _Postings] = {}
        self._rows: dict[str, int] = {}
        self._texts: list[tuple[str, tuple[_Postings, ...]] | None] = []
        self._lengths: NDArray[Any] = np.zeros(CAPACITY, np.float32)
        self._words = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, key: str, text: str) -> None:
        """Hold a text under `key`, in place of any that it had."""
        import numpy as np

        words = words_of(text)
        with self._lock:
            counts = Counter(self._stem.stemWords(words))
            self._remove(key)
            row = len(self._texts)
            if row == len(self._lengths):
                self._lengths = np.concatenate((self._lengths, np.zeros(row, np.float32)))
            held = []
            for stem, count in counts.items():
                postings = self._postings.get(stem)
                if postings is None:
                    postings = self._postings[stem] = _Postings()
                postings.add(row, count)
                held.append(postings)
            self._texts.append((key, tuple(held)))
            self._lengths[row] = counts.total()
            self._words += counts.total()
            self._rows[key] = row

    def remove(self, key: str) -> None:
        """Forget a text; nothing happens when there is none."""
        with self._lock:
            self._remove(key)

    def search(self, query: str, k: int) -> list[str]:
        """The `k` best keys, best first; equals in the order in which they were added."""
        import numpy as np

        with self._lock:
            stems = list(dict.fromkeys(self._stem.stemWords(words_of(query))))[:TERMS]
            asked = [self._postings[stem] for stem in stems if stem in self._postings]
            if k < 1 or not asked or not self._words:
                return []
            scores = self._scores(asked)
            found = np.flatnonzero(scores)
            if k < len(found):
                values = scores[found]
                found = found[values >= np.partition(values, len(values) - k)[len(values) - k]]
            best = sorted(zip((-scores[found]).tolist(), found.tolist()))[:k]
            return [text[0] for _, row in best if (text := self._texts[row])]

    def _scores(self, asked: Sequence[_Postings]) -> NDArray[Any]:
        """BM25 of every row, with the inverse document frequency that is never negative."""
        import numpy as np

        held = len(self._rows)
        average = self._words / held
        scores = np.zeros(len(self._texts), np.float32)
        for postings in asked:
            # These look into the arrays, which cannot grow before they are gone.
            rows = np.frombuffer(postings.rows, np.uint32)
            counts = np.frombuffer(postings.counts, np.float32)
            lengths = self._lengths[rows]
            weight = math.log1p((held - postings.texts + 0.5) / (postings.texts + 0.5))
            often = counts + SATURATION * (1 - LENGTH + LENGTH / average * lengths)
            scores[rows] += np.float32(weight) * (lengths > 0) * counts / often
        return scores

    def _remove(self, key: str) -> None:
        row = self._rows.pop(key, None)
        if row is None:
            return
        text = self._texts[row]
        assert text is not None
        for postings in text[1]:
            postings.texts -= 1
        self._words -= int(self._lengths[row])
        self._lengths[row] = 0
        self._texts[row] = None
        if len(self._texts) > CAPACITY and 2 * len(self._rows) < len(self._texts):
            self._tidy()

    def _tidy(self) -> None:
        """Write the arrays anew, without the empty rows."""
        import numpy as np

        kept = np.array([text is not None for text in self._texts])
        places = np.cumsum(kept, dtype=np.uint32) - np.uint32(1)
        self._postings = {s: p for s, p in self._postings.items() if p.texts}
        for postings in self._postings.values():
            postings.keep(kept, places)
        self._lengths[: kept.sum()] = self._lengths[: len(kept)][kept]
        self._lengths[kept.sum() :] = 0
        self._texts = [text for text in self._texts if text is not None]
        self._rows = {text[0]: row for row, text in enumerate(self._texts) if text}


class _Postings:
    """Where one stem stands: rows, and how often in each."""

    __slots__ = ("counts", "rows", "texts")

    def __init__(self) -> None:
        self.rows = array("I")
        self.counts = array("f")
        self.texts = 0
        """Texts that it stands in; the rows may hold removed ones as well."""

    def add(self, row: int, count: int) -> None:
        self.rows.append(row)
        self.counts.append(count)
        self.texts += 1

    def keep(self, kept: NDArray[Any], places: NDArray[Any]) -> None:
        """Only the rows that are kept, under their new numbers."""
        import numpy as np

        rows = np.frombuffer(self.rows, np.uint32)
        good = kept[rows]
        counts = np.frombuffer(self.counts, np.float32)[good]
        self.rows = array("I", places[rows[good]].tobytes())
        self.counts = array("f", counts.tobytes())
