"""Any LangGraph store, asked in one way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Any

from langgraph.store.base import BaseStore, Op
from langgraph.store.memory import InMemoryStore


class Base:
    """A `BaseStore` that answers asynchronously, whichever of the two ways it knows.

    Args:
        store: the store, opened.
    """

    def __init__(self, store: BaseStore) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._threaded = False

    async def run(self, ops: Iterable[Op]) -> list[Any]:
        """The results of `ops`, which are done in one transaction where the store has any.

        Once begun they are done, also when who asked is cancelled: a transaction that is left in
        the middle would stay open, and nobody could begin another.
        """
        asked = list(ops)
        if not asked:
            return []
        if isinstance(self.store, InMemoryStore):  # never waits, and knows nothing of threads
            with self._lock:
                return self.store.batch(asked)
        return await asyncio.shield(asyncio.create_task(self._run(asked)))

    async def _run(self, ops: list[Op]) -> list[Any]:
        if not self._threaded:
            try:
                return await self.store.abatch(ops)
            except NotImplementedError:
                self._threaded = True
        return await asyncio.to_thread(self.store.batch, ops)
