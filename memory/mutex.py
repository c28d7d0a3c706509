"""One at a time, for tasks of any event loop and thread."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future


class Mutex:
    """`async with mutex:` lets one task in at a time, in the order of asking.

    `asyncio.Lock` serves the tasks of one event loop only, and a `threading.Lock` would stop the
    loop that waits for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[Future[None]] = deque()

    async def __aenter__(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            turn: Future[None] = Future()
            self._waiting.append(turn)
        try:
            await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the turn had come already: pass it on
                self._next()
            raise

    async def __aexit__(self, *exception: object) -> None:
        self._next()

    def _next(self) -> None:
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._taken = False
