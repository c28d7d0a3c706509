"""Full-text queries for SQLite's FTS5, made safe from whatever a user or a model writes."""

from __future__ import annotations

import re
import sqlite3

TERMS = 64
"""Different words of a query that count, at most; a question has fewer, a pasted page has more."""
FEW = 500
"""Texts up to which every word of a query counts."""
KEPT = 100_000
"""Words whose counts are kept, at most."""
TOKENIZER = "porter unicode61 remove_diacritics 2"
"""English word stems; case and accents do not matter."""
_WORD = re.compile(r"[^\W_]+")


class Queries:
    """Queries to one FTS5 table.

    In a table of more than `FEW` texts, words that stand in more than half of them are left out, as
    long as others remain: BM25 weighs them with next to nothing (FTS5's inverse document frequency
    is 1e-6 there), and they cost most of the time. How many texts a word stands in is looked up
    once, and again after `forget`.

    Args:
        table: the name of the table.
    """

    def __init__(self, table: str) -> None:
        self._counting = f"SELECT count(*) FROM {table} WHERE {table} MATCH ?"
        self._counts: dict[str, int] = {}

    def forget(self) -> None:
        """The texts have changed."""
        self._counts.clear()

    def match(self, query: str, db: sqlite3.Connection, texts: int) -> str:
        """An FTS5 expression that finds texts with any word of `query`; empty when it has none.

        Only letters and digits of the query get into it, each word in quotes, so no operator of
        FTS5's query language (https://www.sqlite.org/fts5.html#full_text_query_syntax) can stand
        in it.
        """
        words = list(dict.fromkeys(word.lower() for word in _WORD.findall(query)))[:TERMS]
        telling = [w for w in words if texts <= FEW or 2 * self._count(w, db) <= texts]
        return " OR ".join(f'"{word}"' for word in telling or words)

    def _count(self, word: str, db: sqlite3.Connection) -> int:
        count = self._counts.get(word)
        if count is None:
            if len(self._counts) >= KEPT:
                self._counts.clear()
            ((count,),) = db.execute(self._counting, (f'"{word}"',)).fetchall()
            self._counts[word] = count
        return count


def indexable(text: str) -> str:
    """`text` as SQLite can hold it: without NULs and lone surrogates."""
    return text.replace("\0", " ").encode(errors="replace").decode()
