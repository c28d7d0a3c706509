"""How many runs of one tool there may be at once."""

from __future__ import annotations

import asyncio


class Slots:
    """A semaphore that can be waited for with a limit, and used in one event loop after another.

    Args:
        limit: slots; None for as many as are asked for.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._free = asyncio.Semaphore(limit or 1)

    async def take(self, seconds: float | None) -> asyncio.Semaphore | None:
        """Wait for a slot; `release()` of what is returned gives it back. None: there is no limit.

        Raises:
            TimeoutError: none was free in time.
        """
        if self.limit is None:
            return None
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # what ran in an earlier loop ended with it
            self._loop, self._free = loop, asyncio.Semaphore(self.limit)
        free = self._free
        async with asyncio.timeout(seconds):
            await free.acquire()
        return free
