"""Workers kept ready, so that a run does not wait for one to start."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from .backend import Backend, UnavailableError, Worker


class Pool:
    """Keeps `size` fresh workers of a backend; each is given away once and never comes back."""

    def __init__(self, backend: Backend, size: int) -> None:
        self.backend = backend
        self._size = size
        self._ready: deque[Worker] = deque()
        self._making: set[asyncio.Task[None]] = set()
        self._closed = False

    async def open(self) -> None:
        """Open the backend and begin to make workers.

        Raises:
            UnavailableError: the backend does not work here.
        """
        try:
            await self.backend.open()
        except BaseException:
            await asyncio.shield(self.backend.close())
            raise
        self._refill()

    async def take(self) -> Worker:
        """A fresh worker: one that is ready, else the next.

        Raises:
            UnavailableError: no worker could be made.
        """
        while self._ready:
            worker = self._ready.popleft()
            if worker.alive:
                break
            await worker.close()
        else:
            worker = await self.backend.worker()
        self._refill()
        return worker

    async def close(self) -> None:
        """End the workers that nobody took, and close the backend. May be called twice."""
        self._closed = True
        for task in self._making:
            task.cancel()
        await asyncio.gather(*self._making, return_exceptions=True)
        while self._ready:
            await self._ready.popleft().close()
        await self.backend.close()

    def _refill(self) -> None:
        while not self._closed and len(self._ready) + len(self._making) < self._size:
            task = asyncio.create_task(self._make())
            self._making.add(task)
            task.add_done_callback(self._making.discard)

    async def _make(self) -> None:
        with suppress(UnavailableError):  # whoever takes the next worker is told
            self._ready.append(await self.backend.worker())
