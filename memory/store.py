"""Where agents remember: typed records in any LangGraph store, searchable at once."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from langchain_core.embeddings import Embeddings
from langgraph.store.base import BaseStore, ListNamespacesOp, MatchCondition
from langgraph.store.memory import InMemoryStore

from ..models.lexical import LexicalEmbeddings
from .base import Base
from .keys import memory_key
from .memory import Memory
from .opening import open_base
from .sealing import Namespace, Seal
from .shelf import EVERYTHING, RECORDS, ROOT, Shelf
from .vectors import Embedder
from .writer import clock as unix_time

EMBEDDED = 2000
"""Characters of a text that are embedded: about as many as common embedding models read."""


class MemoryStore:
    """Memories, each with its namespace, in one LangGraph store.

    Args:
        base: holds the records; a new one in this process when none is given.
        embeddings: any LangChain embeddings; words when none are given (`LexicalEmbeddings`).
        key: the secret that records are sealed with, 16 bytes or more, kept where no writer of
            content can read it. A store in this process makes its own.
        embedded: characters of a text that are embedded, from its start. All its words are found.
        clock: gives the time, in Unix seconds.

    Raises:
        ImportError: what searching needs is not installed.
        ValueError: the store outlives this process and there is no key, or the key is short.
    """

    def __init__(
        self,
        base: BaseStore | None = None,
        *,
        embeddings: Embeddings | None = None,
        key: bytes | None = None,
        embedded: int = EMBEDDED,
        clock: Callable[[], float] = unix_time,
    ) -> None:
        if not (find_spec("numpy") and find_spec("Stemmer")):
            raise ImportError('a memory needs more: pip install "symposia[memory]"')
        if key is None and base is not None and not isinstance(base, InMemoryStore):
            raise ValueError(
                f"{type(base).__name__} outlives this process, so its records need a key that does "
                "too: give `key=`, for one of your own `memory_key()`"
            )
        self._base = Base(InMemoryStore() if base is None else base)
        self._seal = Seal(os.urandom(32) if key is None else key)
        self._embedder = Embedder(embeddings or LexicalEmbeddings(), embedded)
        self._clock = clock
        self._memories: dict[Namespace, Memory] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        place: str | Path,
        *,
        embeddings: Embeddings | None = None,
        key: bytes | None = None,
        embedded: int = EMBEDDED,
        create: bool = True,
    ) -> AsyncIterator[MemoryStore]:
        """The store at a place: `async with MemoryStore.open("memory.db") as store:`.

        Args:
            place: an SQLite file, a folder that then holds `memory.db`, or a `postgresql://`
                address.
            embeddings: as of the store.
            key: the secret; this user's own when none is given (see `memory_key`).
            embedded: as of the store.
            create: make the file if it is not there; off for those who only read.

        Raises:
            FileNotFoundError: there is no file and none is to be made.
            ValueError: the file is no database, or the user's key no key.
            ImportError: what reaches the place is not installed.
        """
        secret = memory_key() if key is None else key
        async with open_base(place, create=create) as base:
            yield cls(base, embeddings=embeddings, key=secret, embedded=embedded)

    def memory(self, *namespace: str) -> Memory:
        """The memory of a namespace: of an agent ("team", "solver"), a team ("team",), or
        "shared". One namespace is one memory; those below it are others.

        Raises:
            ValueError: there is no name, or one that cannot be.
        """
        if not namespace:
            raise ValueError('a memory needs a name, like "shared", or "team", "solver"')
        for label in namespace:
            if not label.isprintable() or not label or "." in label or label.startswith("~"):
                raise ValueError(
                    f"{label!r} cannot be in a namespace: give printable text without '.', that "
                    "does not begin with '~'"
                )
        if namespace not in self._memories:
            shelf = Shelf(self._base, namespace, self._seal, self._embedder.complete)
            self._memories[namespace] = Memory(shelf, self._embedder, self._clock)
        return self._memories[namespace]

    async def namespaces(self) -> list[Namespace]:
        """The namespaces that hold records, in order."""
        ours = (MatchCondition("prefix", (ROOT,)), MatchCondition("suffix", (RECORDS,)))
        (found,) = await self._base.run([ListNamespacesOp(ours, limit=EVERYTHING)])
        return sorted(tuple(place[1:-1]) for place in found)
