"""What every worker at the other end of a channel has in common: how it is asked, and how it rests.

How one is started, killed and measured is the matter of who isolates it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .backend import Exchange
from .channel import Channel

LAST_WORDS = 1.0
"""Seconds that a worker gets to end by itself once it has closed its side of the channel."""


class ChannelWorker(ABC):
    """See `Worker`. Who derives from it sets `_channel` before the first job."""

    _channel: Channel

    def __init__(self) -> None:
        self._last: Exchange | None = None
        """How it ended; None while it lives."""

    @property
    def alive(self) -> bool:
        """See `Worker.alive`."""
        return self._last is None

    async def ask(self, job: Mapping[str, object], seconds: float, last: bool = False) -> Exchange:
        """See `Worker.ask`."""
        if self._last is not None:
            return replace(self._last, reply=None, stdout=b"", stderr=b"", seconds=0.0)
        try:
            exchange = await self._channel.trade(job, seconds)
        except BaseException:
            await self.close()
            raise
        if exchange.end is None and not last:
            self._channel.rest(lambda end: self._end(Exchange(None, end=end)))
            return exchange
        return await self._end(exchange)

    async def close(self) -> None:
        """See `Worker.close`."""
        if self._last is None:
            await asyncio.shield(self._end(Exchange(None)))

    @abstractmethod
    async def _end(self, exchange: Exchange) -> Exchange:
        """End it, with everything it started, and tell of its last job how it ended."""


async def leaves(ended: asyncio.Future[Any]) -> bool:
    """Whether a worker that has closed its side of the channel ends by itself."""
    done, _ = await asyncio.wait({ended}, timeout=LAST_WORDS)
    return bool(done)
