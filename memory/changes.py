"""Seeing what others write: each process keeps, in a namespace, a count and its last changes.

The count and the keys are one small item, written together with the records. A reader asks for
these few items and learns what to read again, however many records there are.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Iterable
from typing import Any

from langgraph.store.base import PutOp, SearchOp

from .base import Base
from .sealing import Namespace

KEPT = 256
"""Keys of the last changes that are kept. Who has missed more reads everything again."""
PROCESSES = 100_000
"""Processes that wrote to one namespace, at most."""
STALE_SECONDS = 7 * 86400.0
"""The item of a process that has written nothing for so long is taken away by the next to come."""


class Changes:
    """The changes of one namespace: ours are told, others' are heard.

    Args:
        place: where the items stand in the store.
    """

    def __init__(self, place: Namespace) -> None:
        self._place = place
        self._me = uuid.uuid4().hex
        self._count = 0
        self._last: deque[str] = deque(maxlen=KEPT)
        self._heard: dict[str, int] = {}

    def tell(self, keys: Iterable[str]) -> PutOp:
        """What is to be written along with changes at `keys`."""
        for key in keys:
            self._count += 1
            self._last.append(key)
        value = {"count": self._count, "last": list(self._last), "time": time.time()}
        return PutOp(self._place, self._me, value, index=False)

    async def hear(self, base: Base) -> set[str] | None:
        """The keys that others have changed since the last call; None when they are not known."""
        (items,) = await base.run([SearchOp(self._place, limit=PROCESSES, refresh_ttl=False)])
        told = {item.key: item.value for item in items if item.key != self._me}
        known = self._heard.keys() <= told.keys()
        if not known or not self._heard:
            stale = [process for process, value in told.items() if _stale(value)]
            await base.run(PutOp(self._place, process, None) for process in stale)
            told = {process: told[process] for process in told.keys() - stale}
        news: set[str] = set()
        before, self._heard = self._heard, {}
        for process, value in told.items():
            count, last = value.get("count"), value.get("last")
            if not isinstance(count, int) or not isinstance(last, list):
                continue
            self._heard[process] = count
            missed = count - before.get(process, 0)
            if missed > len(last):
                known = False
            elif missed > 0:
                news.update(key for key in last[-missed:] if isinstance(key, str))
        return {key for key in news if key.isprintable()} if known else None


def _stale(value: dict[str, Any]) -> bool:
    written = value.get("time")
    return not isinstance(written, (int, float)) or time.time() - written > STALE_SECONDS
