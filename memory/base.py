"""Any LangGraph store, asked in one way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from langgraph.store.base import BaseStore, Op


class Base:
    """A `BaseStore` that answers asynchronously, whichever of the two ways it knows.

    Args:
        store: the store, opened.
    """

    def __init__(self, store: BaseStore) -> None:
        self.store = store
        self._threaded = False

    async def run(self, ops: Iterable[Op]) -> list[Any]:
        """The results of `ops`, which are done in one transaction where the store has any."""
        asked = list(ops)
        if not asked:
            return []
        if not self._threaded:
            try:
                return await self.store.abatch(asked)
            except NotImplementedError:
                self._threaded = True
        return await asyncio.to_thread(self.store.batch, asked)
