"""Seeing what others write: each process keeps, in a namespace, a count and its last changes.

The count and the keys are one small item, written together with the records. A reader asks for
these few items and learns what to read again, however many records there are.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable

from langgraph.store.base import PutOp, SearchOp

from .base import Base
from .sealing import Namespace

KEPT = 256
"""Keys of the last changes that are kept. Who has missed more reads everything again."""
PROCESSES = 100_000
"""Processes that wrote to one namespace, at most."""


class Changes:
    """The changes of one namespace: ours are told, others' are heard.

    Args:
        place: where the counts stand in the store.
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
        return PutOp(self._place, self._me, {"count": self._count, "last": list(self._last)})

    async def hear(self, base: Base) -> set[str] | None:
        """The keys that others have changed since the last call; None when they are not known."""
        (items,) = await base.run([SearchOp(self._place, limit=PROCESSES, refresh_ttl=False)])
        news: set[str] = set()
        known = True
        for item in items:
            count, last = item.value.get("count"), item.value.get("last")
            if item.key == self._me or not isinstance(count, int) or not isinstance(last, list):
                continue
            missed = count - self._heard.get(item.key, 0)
            self._heard[item.key] = count
            if missed > len(last):
                known = False
            elif missed > 0:
                news.update(str(key) for key in last[-missed:])
        return news if known else None
