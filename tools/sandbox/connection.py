"""A connection to the server of `remote` that nobody can hold for nothing.

Uvicorn waits for ever for the rest of a request that was begun, and takes as many connections as
come. Both cost descriptors, before any token is shown. So there is a clock on each connection that
runs while no request is being answered, and a number of connections that are kept at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

CONNECTIONS = 256
"""Connections kept at once, at most; what comes on top is closed."""
PATIENCE = 10.0
"""Seconds in which a request has to come whole up to its body; it may take twice as long."""


class Connection(H11Protocol):
    """HTTP by `h11`, with the clock and the number."""

    _clock: asyncio.TimerHandle
    _seen: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._clock = self.loop.call_later(PATIENCE, self._look)
        if len(self.connections) > CONNECTIONS:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clock.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close it where no request was answered since the last look, nor is now."""
        if self.cycle is self._seen and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()
            return
        self._seen = self.cycle
        self._clock = self.loop.call_later(PATIENCE, self._look)
