"""A worker that a zygote forked, as the host sees it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .backend import End, Exchange, UnavailableError
from .channel import Channel
from .worker import LAST_WORDS, ChannelWorker, leaves

if TYPE_CHECKING:
    from .zygote import Zygote

STARTING = 20.0
"""Seconds that a worker may take to be ready."""
ENDING = 5.0
"""Seconds that a worker has to be gone once it is killed; then the whole zygote is."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What the zygote says of a worker that is gone."""

    status: int | None
    """As from `waitpid`; None where it was killed from outside."""
    cpu: float
    """Seconds."""
    peak: int
    """Bytes."""


class ForkedWorker(ChannelWorker):
    """A worker of a zygote."""

    def __init__(
        self, zygote: Zygote, number: int, peer: socket.socket, stdout: int, stderr: int
    ) -> None:
        super().__init__()
        self.pid = 0
        """As the zygote sees it; 0 until it is forked."""
        self._zygote = zygote
        self._number = number
        self._channel = Channel(peer, stdout, stderr, zygote.limits.output)
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._why = ""

    @property
    def alive(self) -> bool:
        """See `Worker.alive`."""
        return not self._ended.done()

    async def start(self) -> None:
        """Wait until it waits for its first job.

        Raises:
            UnavailableError: it does not; the message has the reason.
        """
        if not await self._channel.greeting(STARTING):
            await self._end(Exchange(None, end=End.CLOSED))
            why = self._why or "it ended before it was ready"
            raise UnavailableError(f"a worker could not be confined: {why}")

    async def ask(self, job: Mapping[str, object], seconds: float, last: bool = False) -> Exchange:
        """See `Worker.ask`."""
        if self.alive:
            self._zygote.watch(self.pid)
        return await super().ask(job, seconds, last)

    def forked(self, pid: int) -> None:
        """It has been forked, with this process id in the zygote's namespace."""
        self.pid = pid

    def failed(self, why: str) -> None:
        """It could not be confined, and is ending."""
        self._why = why
        self._channel.interrupt(End.EXIT)

    def interrupt(self, end: End) -> None:
        """Let a job under way end like this."""
        self._channel.interrupt(end)

    def ended(self, ended: Ended) -> None:
        """It is gone."""
        self._zygote.unwatch(self.pid)
        if not self._ended.done():
            self._ended.set_result(ended)

    async def _end(self, exchange: Exchange) -> Exchange:
        """Kill the tenant's processes, and tell how they ended and what they used."""
        if self._last is not None:
            return self._last
        self._channel.wake()
        left = exchange.end is End.EXIT and await leaves(self._ended)
        for patience in (LAST_WORDS, ENDING):
            if not self._ended.done():
                self._zygote.kill(self._number)
                await asyncio.wait([self._ended], timeout=patience)
        if not self._ended.done():
            self._zygote.abandon()
        ended = await asyncio.shield(self._ended)
        if self._last is None:
            self._channel.drain()
            self._last = self._channel.told(self._measured(exchange, ended, left))
            self._channel.close()
        return self._last

    def _measured(self, exchange: Exchange, ended: Ended, left: bool) -> Exchange:
        end = exchange.end or End.CLOSED
        code = None if ended.status is None else os.waitstatus_to_exitcode(ended.status)
        if end is End.EXIT:
            end = self._ending(code, ended.cpu) if left else End.PROTOCOL
        number = (signal.SIGKILL if code is None else -code) if end is End.SIGNAL else None
        return replace(
            exchange,
            end=end,
            exit_code=code if end is End.EXIT else None,
            signal=number,
            cpu_seconds=ended.cpu,
            peak_memory=ended.peak,
        )

    def _ending(self, code: int | None, cpu: float) -> End:
        """What an exit code, negative for a signal, says of an end that nobody ordered."""
        if self._zygote.lost:
            return End.LOST
        if code is not None and code >= 0:
            return End.EXIT
        spent = code in (None, -signal.SIGKILL) and cpu >= self._zygote.limits.cpu_seconds
        return End.TIMEOUT if spent or code == -signal.SIGXCPU else End.SIGNAL
