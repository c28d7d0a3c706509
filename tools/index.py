"""Finding tools by what they do: BM25 in SQLite's FTS5, in memory, kept up tool by tool.

With a LangChain `Embeddings`, tools are ranked by meaning as well, and the two rankings are joined
by reciprocal rank fusion.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from langchain_core.embeddings import Embeddings
from langchain_core.tools import BaseTool

from .fulltext import TOKENIZER, Queries, indexable
from .fusion import fused
from .vectors import VectorIndex

WEIGHTS = (4.0, 2.0, 1.0)
"""What a word counts in a tool's name, in its description, and in its arguments."""
FUSED = 50
"""Tools of each ranking that are joined, at least."""
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")


@dataclass(frozen=True, slots=True)
class Found:
    """A tool that a search found."""

    name: str
    score: float
    """Higher is better; comparable within one search only."""


class ToolIndex:
    """Names, descriptions and arguments of tools, searchable.

    Args:
        embeddings: ranks by meaning as well. Tools are embedded when they are first searched.
    """

    def __init__(self, embeddings: Embeddings | None = None) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.execute(
            "CREATE VIRTUAL TABLE tools USING fts5"
            f"(name, description, arguments, tokenize = '{TOKENIZER}')"
        )
        self._queries = Queries("tools")
        self._rows: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._meanings = _Meanings(embeddings) if embeddings else None

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, tools: Iterable[BaseTool]) -> None:
        """Take in tools, whose names are not held yet."""
        texts = [(tool.name, *_texts(tool)) for tool in tools]
        with self._lock, self._db, closing(self._db.cursor()) as cursor:
            self._queries.forget()
            for key, name, description, arguments in texts:
                cursor.execute("INSERT INTO tools VALUES (?, ?, ?)", (name, description, arguments))
                row = cursor.lastrowid
                assert row is not None
                self._rows[key], self._names[row] = row, key
                if self._meanings:
                    self._meanings.add(key, f"{name}: {description}")

    def remove(self, name: str) -> None:
        """Forget a tool.

        Raises:
            KeyError: it is not held.
        """
        with self._lock, self._db:
            row = self._rows.pop(name)
            del self._names[row]
            self._queries.forget()
            self._db.execute("DELETE FROM tools WHERE rowid = ?", (row,))
            if self._meanings:
                self._meanings.remove(name)

    def search(self, query: str, k: int) -> list[Found]:
        """The `k` best tools, best first; equals in the order in which they were added. Any text
        is a query."""
        if k < 1:
            return []
        if self._meanings is None:
            return self._by_words(query, k)
        wide = max(k, FUSED)
        by_words = [found.name for found in self._by_words(query, wide)]
        joined = fused((by_words, self._meanings.search(query, wide)))
        return [Found(name, score) for name, score in joined[:k]]

    def _by_words(self, query: str, k: int) -> list[Found]:
        with self._lock:
            expression = self._queries.match(query, self._db, len(self._rows))
            if not expression:
                return []
            # Only the row's number is asked for: reading columns of every match takes most time.
            rows = self._db.execute(
                f"SELECT rowid, bm25(tools, {', '.join(map(str, WEIGHTS))}) AS score FROM tools "
                "WHERE tools MATCH ? ORDER BY score, rowid LIMIT ?",
                (expression, k),
            ).fetchall()
            return [Found(self._names[row], -score) for row, score in rows]


class _Meanings:
    """Tools by meaning: embedded when they are first searched."""

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings
        self._pending: dict[str, str] = {}
        self._vectors = VectorIndex()

    def add(self, name: str, text: str) -> None:
        self._pending[name] = text

    def remove(self, name: str) -> None:
        self._pending.pop(name, None)
        self._vectors.remove(name)

    def search(self, query: str, k: int) -> list[str]:
        if self._pending:
            made = self._embeddings.embed_documents(list(self._pending.values()))
            for name, vector in zip(self._pending, made, strict=True):
                self._vectors.add(name, vector)
            self._pending.clear()
        if not len(self._vectors):
            return []
        return [name for name, _ in self._vectors.search(self._embeddings.embed_query(query), k)]


def _texts(tool: BaseTool) -> tuple[str, str, str]:
    """Name in words, description, and the arguments with what is said about them."""
    arguments = " ".join(f"{' '.join(_PARTS.findall(n))} {about}" for n, about in _arguments(tool))
    words = f"{tool.name} {' '.join(_PARTS.findall(tool.name))}"
    return indexable(words), indexable(tool.description), indexable(arguments)


def _arguments(tool: BaseTool) -> Iterable[tuple[str, str]]:
    """Names and descriptions, read without making a JSON schema, which takes a millisecond."""
    schema = tool.args_schema
    if isinstance(schema, dict):
        held = schema.get("properties")
        for name, about in held.items() if isinstance(held, dict) else ():
            yield str(name), str(about.get("description", "")) if isinstance(about, dict) else ""
    else:
        for name, field in getattr(schema, "model_fields", {}).items():
            yield name, field.description or ""
