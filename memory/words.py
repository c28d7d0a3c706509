"""Finding by words: BM25 over texts in SQLite's FTS5, in memory, kept up text by text."""

from __future__ import annotations

import sqlite3
import threading

from ..tools.fulltext import TOKENIZER, Queries, indexable

RECOUNT = 10
"""Which words are too common to tell texts apart is found anew when a tenth has changed."""


class WordIndex:
    """Texts by key, ranked by the words that they share with a query. Safe to use from several
    threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = '{TOKENIZER}')")
        self._queries = Queries("texts")
        self._rows: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._next = 1
        self._counted = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, key: str, text: str) -> None:
        """Hold a text under `key`, in place of any that it had."""
        with self._lock:
            self._remove(key)
            row, self._next = self._next, self._next + 1
            self._db.execute(
                "INSERT INTO texts (rowid, text) VALUES (?, ?)", (row, indexable(text))
            )
            self._rows[key], self._keys[row] = row, key

    def remove(self, key: str) -> None:
        """Forget a text; nothing happens when there is none."""
        with self._lock:
            self._remove(key)

    def search(self, query: str, k: int) -> list[str]:
        """The `k` best keys, best first; equals in the order in which they were added."""
        with self._lock:
            if abs(len(self._rows) - self._counted) * RECOUNT > self._counted:
                self._queries.forget()
                self._counted = len(self._rows)
            expression = self._queries.match(query, self._db, len(self._rows))
            if not expression or k < 1:
                return []
            rows = self._db.execute(
                "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY bm25(texts), rowid LIMIT ?",
                (expression, k),
            ).fetchall()
            return [self._keys[row] for (row,) in rows]

    def _remove(self, key: str) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            del self._keys[row]
            self._db.execute("DELETE FROM texts WHERE rowid = ?", (row,))
