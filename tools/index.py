"""Finding tools by what they do: BM25 in SQLite's FTS5, in memory, kept up tool by tool.

With a LangChain `Embeddings`, tools are ranked by meaning as well, and the two rankings are joined
by reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings
from langchain_core.tools import BaseTool

from .fulltext import TOKENIZER, Queries, indexable

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = (4.0, 2.0, 1.0)
"""What a word counts in a tool's name, in its description, and in its arguments."""
FUSION = 60
"""The constant of reciprocal rank fusion, as in the paper."""
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
        self._vectors = _Vectors(embeddings) if embeddings else None

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
                if self._vectors:
                    self._vectors.add(key, f"{name}: {description}")

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
            if self._vectors:
                self._vectors.remove(name)

    def search(self, query: str, k: int) -> list[Found]:
        """The `k` best tools, best first; equals in the order in which they were added. Any text
        is a query."""
        if k < 1:
            return []
        if self._vectors is None:
            return self._by_words(query, k)
        wide = max(k, FUSED)
        scores: dict[str, float] = {}
        for ranking in (self._by_words(query, wide), self._vectors.search(query, wide)):
            for rank, found in enumerate(ranking, 1):
                scores[found.name] = scores.get(found.name, 0.0) + 1 / (FUSION + rank)
        best = sorted(scores, key=lambda name: (-scores[name], name))[:k]
        return [Found(name, scores[name]) for name in best]

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


class _Vectors:
    """Texts by meaning: unit vectors, compared with the query's by their dot product."""

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings
        self._pending: dict[str, str] = {}
        self._held: dict[str, NDArray[Any]] = {}
        self._matrix: NDArray[Any] | None = None

    def add(self, name: str, text: str) -> None:
        self._pending[name] = text

    def remove(self, name: str) -> None:
        self._pending.pop(name, None)
        self._held.pop(name, None)
        self._matrix = None

    def search(self, query: str, k: int) -> list[Found]:
        import numpy as np

        if self._pending:
            made = self._embeddings.embed_documents(list(self._pending.values()))
            self._held.update(zip(self._pending, map(_unit, made), strict=True))
            self._pending.clear()
            self._matrix = None
        if not self._held:
            return []
        if self._matrix is None:
            self._matrix = np.stack(list(self._held.values()))
        scores = self._matrix @ _unit(self._embeddings.embed_query(query))
        names = list(self._held)
        best = sorted(range(len(names)), key=lambda i: (-scores[i], names[i]))[:k]
        return [Found(names[i], float(scores[i])) for i in best]


def _unit(values: list[float]) -> NDArray[Any]:
    import numpy as np

    vector = np.asarray(values, np.float32)
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


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
