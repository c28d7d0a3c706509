"""One namespace: its records in the store, the index beside them, and how both change together.

Every change reads what stands at its key and says what shall stand there. Changes that come while
others are being written wait and are then written together: none overwrites what it has not seen,
and a slow disk is asked once for many. The index changes after the store has, in the same order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from langgraph.store.base import GetOp, Op, PutOp, SearchItem, SearchOp

from .audit import AuditEntry, from_value, to_op
from .base import Base
from .beside import beside
from .changes import Changes
from .index import Index
from .mutex import Mutex
from .sealing import Namespace, Seal, Stored

ROOT = "symposia"
"""The first label of all that is kept."""
RECORDS, CHANGES, AUDIT = "~records", "~changes", "~audit"
"""The last label; no namespace of a user's may use them."""
BATCH = 500
"""Changes in one transaction, at most."""
FEW = 500
"""Records that are read and indexed at once; more are in a thread."""
EVERYTHING = 2**31 - 1
"""A limit that is none. Pages would not do: stores order by time, and equal times at will."""


@dataclass(slots=True)
class Change:
    """What shall become of one record."""

    key: str
    apply: Callable[[Stored | None], Stored | None]
    """From what stands there to what shall stand there; None is nothing. It may raise, and then
    nothing is written."""
    audit: AuditEntry | None = None
    """What is noted with it, or not at all."""
    done: Future[Stored | None] = field(default_factory=Future)


class Shelf:
    """The records of one namespace.

    Args:
        base: the store.
        namespace: of the user.
        seal: what records are sealed with.
        complete: gives records whose vectors other embeddings made their own.
    """

    def __init__(
        self,
        base: Base,
        namespace: Namespace,
        seal: Seal,
        complete: Callable[[Sequence[Stored]], Awaitable[list[Stored]]],
    ) -> None:
        self.namespace = namespace
        self.index = Index()
        self._base = base
        self._seal = seal
        self._complete = complete
        self._place = (ROOT, *namespace, RECORDS)
        self._audit = (ROOT, *namespace, AUDIT)
        self._changes = Changes((ROOT, *namespace, CHANGES))
        self._mutex = Mutex()
        self._pending: list[Change] = []
        self._loaded = False
        self._unread: set[str] = set()

    async def get(self, keys: Sequence[str]) -> list[Stored | None]:
        """What stands in the store at `keys`."""
        items = await self._base.run(GetOp(self._place, key, refresh_ttl=False) for key in keys)
        return [
            None if item is None else self.opened(key, item.value)
            for key, item in zip(keys, items, strict=True)
        ]

    def opened(self, key: str, value: Mapping[str, Any]) -> Stored:
        """The record of a value that stands at `key`, or is said to."""
        return self._seal.open(self._place, key, value)

    async def values(self) -> list[tuple[str, dict[str, Any]]]:
        """Everything in the store as it stands there, by key."""
        return sorted((item.key, item.value) for item in await self._items(self._place))

    async def all(self) -> list[Stored]:
        """Every record in the store, oldest first."""
        items = await self._items(self._place)

        def read() -> list[Stored]:
            stored = [self.opened(item.key, item.value) for item in items]
            return sorted(stored, key=lambda one: (one.record.provenance.time, one.record.key))

        return await beside(len(items) > FEW, read)

    async def audit(self) -> list[AuditEntry]:
        """What was done to records, oldest first."""
        items = sorted(await self._items(self._audit), key=lambda item: item.key)
        return [from_value(self._audit, item.key, item.value, self._seal) for item in items]

    async def follow(self) -> None:
        """Let the index know what others have written; the first time, what there is."""
        async with self._mutex:
            news = await self._changes.hear(self._base)
            if news is None:
                self._loaded = False
            else:  # kept until they are read: whoever reads them may be cancelled
                self._unread |= news
            if not self._loaded:
                index = Index()
                await self._index(await self.all(), index)
                self.index, self._loaded = index, True
            elif self._unread:
                keys = sorted(self._unread)
                await self._reindex(zip(keys, await self.get(keys), strict=True))
            self._unread.clear()

    async def commit(self, changes: Sequence[Change]) -> list[Stored | None]:
        """Write changes, and return what then stands at their keys.

        Raises:
            Exception: what the first `apply` that failed raised, or the store. The other changes
                stand.
        """
        self._pending.extend(changes)
        await asyncio.shield(asyncio.create_task(self._write(changes)))
        return [change.done.result() for change in changes]

    async def _write(self, changes: Sequence[Change]) -> None:
        """Write until `changes` are done, and whatever has come before and between."""
        async with self._mutex:
            while not all(change.done.done() for change in changes):
                batch = self._pending[:BATCH]
                del self._pending[: len(batch)]
                try:
                    await self._write_batch(batch)
                finally:
                    for change in batch:
                        if not change.done.done():
                            change.done.set_exception(RuntimeError("writing was cancelled"))

    async def _write_batch(self, batch: Sequence[Change]) -> None:
        keys = list(dict.fromkeys(change.key for change in batch))
        try:
            before = dict(zip(keys, await self.get(keys), strict=True))
            after = dict(before)
            good = []
            ops: list[Op] = []
            for change in batch:
                held = after[change.key]
                try:
                    after[change.key] = change.apply(held)
                except Exception as error:
                    change.done.set_exception(error)
                else:
                    good.append((change, after[change.key]))
                    if change.audit and after[change.key] is not held:
                        ops.append(to_op(self._audit, change.audit, self._seal))
            # In one order, so that two processes never wait for each other.
            changed = sorted(key for key in keys if after[key] is not before[key])
            if changed:
                ops.extend(self._put(key, after[key]) for key in changed)
                ops.append(self._changes.tell(changed))
            await self._base.run(ops)
        except Exception as error:
            waiting = [change for change in batch if not change.done.done()]
            if len(waiting) == 1:
                waiting[0].done.set_exception(error)
            else:  # one that cannot be written does not take the others with it
                for change in waiting:
                    await self._write_batch([change])
            return
        if self._loaded:
            await self._follow_ours([(key, after[key]) for key in changed])
        for change, stored in good:
            change.done.set_result(stored)

    async def _follow_ours(self, changed: Iterable[tuple[str, Stored | None]]) -> None:
        try:
            await self._reindex(changed)
        except Exception:  # what is written is written: the next search reads it, and says why not
            self._loaded = False

    async def _reindex(self, changed: Iterable[tuple[str, Stored | None]]) -> None:
        held = []
        for key, stored in changed:
            if stored is not None and stored.sealed:
                held.append(stored)
            else:
                self.index.remove(key)
        await self._index(held, self.index)

    def _put(self, key: str, stored: Stored | None) -> PutOp:
        value = None if stored is None else self._seal.close(self._place, stored)
        return PutOp(self._place, key, value, index=False)

    async def _items(self, place: Namespace) -> list[SearchItem]:
        """What stands at a place, in no order."""
        (items,) = await self._base.run([SearchOp(place, limit=EVERYTHING, refresh_ttl=False)])
        found: list[SearchItem] = items
        return found

    async def _index(self, found: Sequence[Stored], index: Index) -> None:
        """What has no valid seal is not found by any search."""
        whole = await self._complete([one for one in found if one.sealed])

        def put() -> None:
            for stored in whole:
                index.put(stored)

        await beside(len(whole) > FEW, put)
