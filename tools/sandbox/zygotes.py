"""A backend whose workers come from a zygote: one is started for many, and another when it dies.

A way of isolating code only says with what command a zygote is started, so that all of them have
the same workers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .backend import UnavailableError
from .forked import ForkedWorker
from .launch import Launch
from .limits import Limits
from .zygote import Zygote


class Zygotes:
    """A backend that forks its workers from a zygote, and starts another when that dies.

    Args:
        name: the backend's name.
        limits: of each worker.
        launch: how a zygote is started; may raise `UnavailableError`.
    """

    def __init__(self, name: str, limits: Limits, launch: Callable[[], Launch]) -> None:
        self.name = name
        self._limits = limits
        self._launch = launch
        self._zygote: Zygote | None = None
        self._first: ForkedWorker | None = None
        self._starting = asyncio.Lock()

    async def open(self) -> None:
        """See `Backend.open`. The worker that proves it is the first to be lent."""
        self._first = await self.worker()

    async def worker(self) -> ForkedWorker:
        """See `Backend.worker`."""
        first, self._first = self._first, None
        if first is not None and first.alive:
            return first
        zygote = await self._current()
        return await zygote.worker()

    async def close(self) -> None:
        """See `Backend.close`."""
        if self._first is not None:
            await self._first.close()
            self._first = None
        async with self._starting:
            if self._zygote is not None:
                await self._zygote.close()
                self._zygote = None
        self._starting = asyncio.Lock()  # the next to open it may have another event loop

    async def _current(self) -> Zygote:
        async with self._starting:
            if self._zygote is not None and self._zygote.lost:
                await self._zygote.close()
                self._zygote = None
            if self._zygote is None:
                try:
                    zygote = Zygote(self._launch(), self._limits)
                except OSError as error:
                    raise UnavailableError(f"{self.name} did not start: {error}") from None
                try:
                    await zygote.start()
                except BaseException:
                    await asyncio.shield(zygote.close())
                    raise
                self._zygote = zygote
            return self._zygote
