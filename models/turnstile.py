"""Taking turns: what many episodes do when their models all answer at the same time.

An event loop takes all that is ready one step further, round by round. When five hundred replies
come at once, it takes all five hundred through each step of a turn, and the first model is asked
again hardly before the last. Then all models are busy while the process idles. Behind a turnstile
a few begin in each round: the first models answer again while the last are still to be asked
(`benchmarks/perf/concurrency.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

WIDTH = 8
"""How many pass in one round of the event loop."""


class _Turnstile:
    """Lets its queue through, `WIDTH` in each round of the event loop. Nobody is held up by anybody
    who has passed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: deque[asyncio.Future[None]] = deque()
        self._places = WIDTH
        """Places that are left in this round."""

    async def passed(self) -> None:
        if self._places == WIDTH:
            self._loop.call_soon(self._next_round)
        if self._places:
            self._places -= 1
            return
        place = self._loop.create_future()
        self._queue.append(place)
        await place

    def _next_round(self) -> None:
        self._places = WIDTH
        while self._places and self._queue:
            place = self._queue.popleft()
            if not place.done():  # it was cancelled
                place.set_result(None)
                self._places -= 1
        if self._places < WIDTH:
            self._loop.call_soon(self._next_round)


_around: ContextVar[_Turnstile | None] = ContextVar("symposia_turnstile", default=None)


@contextmanager
def taking_turns() -> Iterator[None]:
    """Let what is started within take turns, where it waits for `one_turn`."""
    token = _around.set(_Turnstile())
    try:
        yield
    finally:
        _around.reset(token)


async def one_turn() -> None:
    """Wait for one's turn, at once where nobody takes turns."""
    turnstile = _around.get()
    if turnstile is not None:
        await turnstile.passed()
