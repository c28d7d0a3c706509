"""Full-text queries for SQLite's FTS5, made safe from whatever a user or a model writes."""

from __future__ import annotations

import re

TERMS = 64
"""Different words of a query that count, at most; a question has fewer, a pasted page has more."""
TOKENIZER = "porter unicode61 remove_diacritics 2"
"""English word stems; case and accents do not matter."""
_WORD = re.compile(r"[^\W_]+")


def match(query: str) -> str:
    """An FTS5 expression that finds texts with any word of `query`; empty when it has none.

    Only letters and digits of the query get into it, each word in quotes, so no operator of FTS5's
    query language (https://www.sqlite.org/fts5.html#full_text_query_syntax) can stand in it.
    """
    words = dict.fromkeys(word.lower() for word in _WORD.findall(query))
    return " OR ".join(f'"{word}"' for word in list(words)[:TERMS])


def indexable(text: str) -> str:
    """`text` as SQLite can hold it: without NULs and lone surrogates."""
    return text.replace("\0", " ").encode(errors="replace").decode()
