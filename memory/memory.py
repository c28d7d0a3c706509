"""What is remembered in one namespace: by an agent, a team, or all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from .audit import AuditEntry
from .beside import beside
from .files import Imported, bring_in, export
from .record import Found, MemoryRecord, Provenance, Retriever, Status
from .retention import Retention
from .sealing import Stored
from .shelf import Change, Shelf
from .vectors import Embedder
from .writer import Writer

if TYPE_CHECKING:
    from ..episodes import Episode

FEW = 20_000
"""Records that are searched at once, in a few milliseconds; more are in a thread."""


class Memory(Retriever):
    """The records of one namespace. `MemoryStore.memory` makes it.

    What a search returns was read from the store, and its seal checked, when it was asked for.
    """

    def __init__(self, shelf: Shelf, embedder: Embedder, clock: Callable[[], float]) -> None:
        self._shelf = shelf
        self._embedder = embedder
        self._clock = clock

    @property
    def namespace(self) -> tuple[str, ...]:
        """Whose memory it is."""
        return self._shelf.namespace

    async def search(self, query: str, *, k: int = 5) -> list[Found]:
        """The `k` best active records by words (BM25) and by meaning (vectors) together."""
        if k < 1 or not query.strip():
            return []
        vector = await self._embedder.query(query)
        await self._shelf.follow()
        return await self._found(
            lambda wide: self._shelf.index.search(query, vector, wide), k, ("active",)
        )

    async def similar_actions(self, action: str, *, k: int = 4) -> list[Found]:
        """The `k` records of any status whose actions are nearest in meaning; the score is the
        cosine."""
        if k < 1 or not action.strip():
            return []
        vector = await self._embedder.query(action)
        await self._shelf.follow()
        return await self._found(
            lambda wide: self._shelf.index.actions.search(vector, wide), k, get_args(Status)
        )

    async def get(self, key: str) -> MemoryRecord | None:
        """The record at `key`, of any status."""
        (stored,) = await self._shelf.get([key])
        return stored.record if stored else None

    async def records(
        self, *, status: Status | None = None, limit: int | None = None
    ) -> list[MemoryRecord]:
        """All records, or those of one status, or the newest `limit` of them; oldest first."""
        found = [stored.record for stored in await self._shelf.all()]
        if status is not None:
            found = [record for record in found if record.status == status]
        return found if limit is None else found[max(0, len(found) - limit) :]

    async def mark(self, key: str, status: Status, *, reason: str, by: str) -> MemoryRecord:
        """Change a record's status, and say in the audit why and who did.

        Marking a record without a valid seal seals it as it is: its writer stays unknown.

        Raises:
            KeyError: there is no such record.
            ValueError: there is no such status.
        """
        if status not in get_args(Status):
            raise ValueError(f"no status {status!r}; there are: {', '.join(get_args(Status))}")
        (seen,) = await self._shelf.get([key])
        if seen is None:
            raise KeyError(f"no record {key!r} in {'/'.join(self.namespace)}")
        (whole,) = await self._embedder.complete([seen])

        def apply(old: Stored | None) -> Stored:
            if old is None:
                raise KeyError(f"no record {key!r} in {'/'.join(self.namespace)}")
            if not old.sealed and old.record != seen.record:
                raise ValueError(f"record {key!r} was changed meanwhile: look at it again")
            held = old if old.sealed else replace(whole, sealed=True)
            told = "" if status == "active" else reason
            return replace(held, record=replace(held.record, status=status, reason=told))

        entry = self._note("mark", key, by, reason, status)
        (stored,) = await self._shelf.commit([Change(key, apply, entry)])
        assert stored is not None
        return stored.record

    async def delete(self, key: str, *, reason: str = "", by: str = "") -> None:
        """Forget a record; nothing happens when there is none. The audit keeps that it was."""
        entry = self._note("delete", key, by, reason)
        await self._shelf.commit([Change(key, lambda old: None, entry)])

    async def settle(
        self, episode: str, outcome: float | None, *, run: str = "", by: str
    ) -> list[str]:
        """Write the outcome of an episode into the provenance of what was written in it, in place
        of any that stood there: None takes it back. Returns the keys of those records.

        Raises:
            ValueError: the episode has no name, or the outcome is not in [0, 1].
        """
        if not episode:
            raise ValueError("an episode needs a name: give the one that its writer was made with")
        if outcome is not None and not 0 <= outcome <= 1:
            raise ValueError(f"outcome {outcome} is not in [0, 1]")

        def apply(old: Stored | None) -> Stored | None:
            if old is None or not old.sealed or old.record.provenance.outcome == outcome:
                return old
            origin = replace(old.record.provenance, outcome=outcome)
            return replace(old, record=replace(old.record, provenance=origin))

        await self._shelf.follow()
        keys = self._shelf.index.of_episode(run, episode)
        told = f"episode {episode}: " + ("unknown" if outcome is None else f"{outcome:g}")
        await self._shelf.commit(
            [Change(k, apply, self._note("settle", k, by, told)) for k in keys]
        )
        return keys

    async def end(self, episode: Episode) -> None:
        """Settle an episode that is over; a recorder's `at_end` may call this. One that broke says
        nothing of its records."""
        if not episode.outcome.error:
            name = f"{episode.task}/{episode.attempt}"
            await self.settle(name, episode.outcome.score, run=episode.run, by="runtime")

    async def forget(self, retention: Retention, *, by: str = "retention") -> dict[str, str]:
        """Delete what is not to be kept, and return the keys with why. The audit keeps both."""
        reasons = retention.forgotten(await self.records(), self._clock())
        await self._shelf.commit(
            [
                Change(key, lambda old: None, self._note("forget", key, by, reason))
                for key, reason in reasons.items()
            ]
        )
        return reasons

    async def export(self, path: str | Path) -> int:
        """Write all records to a file of JSON lines, with their seals, and return how many."""
        return await export(self._shelf, Path(path))

    async def bring_in(self, path: str | Path, *, by: str) -> Imported:
        """Take in the records of a file of JSON lines.

        What was exported from this namespace under this key comes in as it was. All else, also
        lines that only hold a `text`, `action` and `data`, is written by `by`, not trusted, and
        quarantined. What is held already stays.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: a line is no record; the message names it. Those before it are in.
        """
        path = Path(path)
        return await bring_in(
            self._shelf,
            path,
            self.writer(by, trust=0.0),
            self._embedder,
            lambda key, kind: self._note("import", key, by, f"{kind}, from {path.name}"),
        )

    async def audit(self) -> list[AuditEntry]:
        """What was done to records here, oldest first."""
        return await self._shelf.audit()

    def writer(self, name: str, *, run: str = "", episode: str = "", trust: float = 0.5) -> Writer:
        """The right to write here in the name of `name`; for the runtime to make, and to give to
        whom it names.

        Raises:
            ValueError: the name is empty, or the trust not in [0, 1].
        """
        if not name.strip():
            raise ValueError("a writer needs a name")
        if not 0 <= trust <= 1:
            raise ValueError(f"trust {trust} is not in [0, 1]")
        provenance = Provenance(name, run, episode, trust=trust)
        return Writer(self._shelf, self._embedder, provenance, self._clock)

    def _note(self, deed: str, key: str, by: str, reason: str, status: str = "") -> AuditEntry:
        return AuditEntry(deed, key, by, reason, status, self._clock())

    async def _found(
        self,
        search: Callable[[int], list[tuple[str, float]]],
        k: int,
        statuses: Sequence[str],
    ) -> list[Found]:
        """The best `k` that the store still holds, sealed and of these statuses."""
        good: list[Found] = []
        seen: set[str] = set()
        while len(good) < k:
            wide = k if not seen else 2 * (len(seen) + k)
            ranked = await beside(len(self._shelf.index) > FEW, partial(search, wide))
            new = [(key, score) for key, score in ranked if key not in seen]
            if not new:
                break
            seen.update(key for key, _ in new)
            held = await self._shelf.get([key for key, _ in new])
            good.extend(
                Found(stored.record, score)
                for (_, score), stored in zip(new, held, strict=True)
                if stored is not None and stored.sealed and stored.record.status in statuses
            )
        return good[:k]
