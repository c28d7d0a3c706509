"""BM25 over a memory-mapped index, ranked as Lucene ranks it under Anserini's defaults.

What is Lucene's: the terms, lengths rounded to one byte, single-precision scores, repeated query
terms counting as often as they occur, and ties in the order of the document names.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .tokens import analyze

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K1 = 0.9
B = 0.4
"""Anserini's defaults."""
HITS = 50
"""Results of a search, at most (WebShop's own number)."""

_SPILL = 1 << 22
"""Postings that are held in memory while an index is built: some 60 MB."""
_MOST = 65535
"""How often a term is counted in one text, at most."""


def _length_of_byte(code: int) -> int:
    """The length that a norm byte of Lucene stands for: exact up to 39, then four bits of it."""
    if code < 24:
        return code
    bits, shift = (code - 24) & 7, ((code - 24) >> 3) - 1
    return 24 + (bits if shift < 0 else (bits | 8) << shift)


LENGTHS = [_length_of_byte(code) for code in range(256)]


class Index:
    """A finished index, opened from the folder that `IndexWriter` filled. Only ever read."""

    def __init__(self, folder: Path) -> None:
        import numpy as np

        def mapped(name: str) -> NDArray[Any]:
            return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))

        self._words = mapped("words").data
        self._word_starts = mapped("word_starts")
        self._starts = mapped("starts")
        self._texts = mapped("texts")
        self._counts = mapped("counts")
        self._norms = mapped("norms")
        self._order = mapped("order")
        facts = json.loads((folder / "index.json").read_text())
        self._filled: int = facts["filled"]
        average = np.float32(facts["terms"] / max(self._filled, 1))
        lengths = np.array(LENGTHS, np.float32)
        k1, b, one = np.float32(K1), np.float32(B), np.float32(1)
        self._saturation = one / (k1 * ((one - b) + b * lengths / max(average, one)))

    def search(self, query: str, hits: int = HITS) -> list[int]:
        """The numbers of the best texts, best first; empty if no term of the query occurs."""
        import numpy as np

        scores = np.zeros(len(self._norms))
        for term, times in Counter(analyze(query)).items():
            span = self._postings(term)
            if span is None:
                continue
            texts = self._texts[span]
            frequency = self._counts[span].astype(np.float32)
            found = len(texts)
            idf = np.log(1 + (self._filled - found + 0.5) / (found + 0.5)).astype(np.float32)
            weight = np.float32(times) * idf
            saturation = self._saturation[self._norms[texts]]
            scores[texts] += weight - weight / (np.float32(1) + frequency * saturation)
        return self._best(scores.astype(np.float32), hits)

    def _best(self, scores: NDArray[np.float32], hits: int) -> list[int]:
        import numpy as np

        found = np.flatnonzero(scores)
        values = scores[found]
        if len(found) > hits:
            least = np.partition(values, -hits)[-hits]
            found, values = found[values >= least], values[values >= least]
        ranked: list[int] = found[np.lexsort((self._order[found], -values))][:hits].tolist()
        return ranked

    def _postings(self, term: str) -> slice | None:
        """Where the postings of a term lie, found by bisection in the sorted vocabulary."""
        wanted = term.encode(errors="surrogatepass")
        low, high = 0, len(self._starts) - 1
        while low < high:
            middle = (low + high) // 2
            start, end = self._word_starts[middle : middle + 2]
            if bytes(self._words[start:end]) < wanted:
                low = middle + 1
            else:
                high = middle
        if low == len(self._starts) - 1:
            return None
        start, end = self._word_starts[low : low + 2]
        if bytes(self._words[start:end]) != wanted:
            return None
        return slice(int(self._starts[low]), int(self._starts[low + 1]))


class IndexWriter:
    """Builds an index text by text, in bounded memory but for the vocabulary."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._vocabulary: dict[bytes, int] = {}
        self._lengths = array("I")
        self._pending = (array("I"), array("I"), array("H"))
        self._runs: list[tuple[Path, ...]] = []

    def add(self, text: str) -> None:
        terms = analyze(text)
        number = len(self._lengths)
        self._lengths.append(len(terms))
        words, texts, counts = self._pending
        for term, count in Counter(terms).items():
            word = term.encode(errors="surrogatepass")
            words.append(self._vocabulary.setdefault(word, len(self._vocabulary)))
            texts.append(number)
            counts.append(min(count, _MOST))
        if len(words) >= _SPILL:
            self._spill()

    def finish(self, names: list[str]) -> None:
        """Write the index; `names` are those of the texts, for the order of ties."""
        import numpy as np

        self._spill()
        vocabulary = sorted(self._vocabulary)
        rank = np.empty(len(vocabulary), np.int64)
        rank[[self._vocabulary[word] for word in vocabulary]] = np.arange(len(vocabulary))
        totals = np.zeros(len(vocabulary), np.int64)
        for words, _, _ in self._runs:
            totals += np.bincount(np.load(words), minlength=len(vocabulary))
        starts = np.concatenate([[0], np.cumsum(totals[np.argsort(rank)])]).astype(np.int64)
        self._merge(starts, starts[:-1][rank])

        lengths = np.frombuffer(self._lengths, np.uint32) if self._lengths else np.zeros(0)
        order = np.empty(len(names), np.int32)
        order[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
        sizes = np.fromiter(map(len, vocabulary), np.int64, len(vocabulary))
        self._save("words", np.frombuffer(b"".join(vocabulary), np.uint8))
        self._save("word_starts", np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))
        self._save("starts", starts)
        self._save("norms", (np.searchsorted(LENGTHS, lengths, "right") - 1).astype(np.uint8))
        self._save("order", order)
        facts = {"filled": int(np.count_nonzero(lengths)), "terms": int(lengths.sum())}
        (self._folder / "index.json").write_text(json.dumps(facts))

    def _merge(self, starts: NDArray[np.int64], free: NDArray[np.int64]) -> None:
        """Put the sorted runs one after the other into each word's place; `free` is by word."""
        import numpy as np
        from numpy.lib.format import open_memmap

        shape = (int(starts[-1]),)
        texts = open_memmap(self._folder / "texts.npy", "w+", np.int32, shape)
        counts = open_memmap(self._folder / "counts.npy", "w+", np.uint16, shape)
        for run in self._runs:
            words, run_texts, run_counts = (np.load(part) for part in run)
            present, first, size = np.unique(words, return_index=True, return_counts=True)
            place = np.arange(len(words)) + np.repeat(free[present] - first, size)
            texts[place], counts[place] = run_texts, run_counts
            free[present] += size
            for part in run:
                part.unlink()

    def _spill(self) -> None:
        """Sort what is pending by word and put it on the disk."""
        import numpy as np

        words, texts, counts = self._pending
        if not words:
            return
        by_word = np.argsort(np.frombuffer(words, np.uint32), kind="stable")
        run = tuple(self._folder / f"run{len(self._runs)}_{part}.npy" for part in range(3))
        for path, values, kind in zip(
            run, (words, texts, counts), (np.uint32, np.int32, np.uint16)
        ):
            np.save(path, np.frombuffer(values, kind)[by_word])
        self._runs.append(run)
        self._pending = (array("I"), array("I"), array("H"))

    def _save(self, name: str, values: NDArray[Any]) -> None:
        import numpy as np

        np.save(self._folder / f"{name}.npy", values)
