"""Quarantine: records set aside until a person has looked at them, and what they brought about.

An episode that was shown a record which is set aside now is tainted: its outcome confirms nothing
any more, and is taken back from what was written in it. What was written in it is suspect, and so
is what was written in episodes that were shown that, and so on. Suspects lose their voice: the
guard shows one only where records that are not suspect bear it out by themselves. That breaks the
cycle in which a planted record brings forth episodes, and these the records that confirm it; and an
attacker whose record is shown beside honest ones, and then caught, does not take these along.

Who is suspect is worked out from the ledger, and never written down: when a person accepts a
record, everything that was suspect for its sake only is as it was before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ...episodes import EpisodeName
from ..memory import Memory
from ..record import MemoryRecord
from ..store import MemoryStore
from .lessons import WRITER, Lesson, Lessons
from .support import Facts, Support, episode_of

REJECTED = "rejected"
"""How the reason of a record that a person rejected begins."""


@dataclass(frozen=True, slots=True)
class Case:
    """A record that waits for a person, and what is known of it."""

    record: MemoryRecord
    why: str
    """Why it was set aside, or is suspect."""
    lesson: Lesson | None
    """What it led to when it was flagged."""
    episodes: dict[EpisodeName, float | None]
    """The episodes that it was shown in, with their outcomes where they are known."""
    suspects: tuple[str, ...]
    """Keys of records that were written in those episodes."""


@dataclass(frozen=True, slots=True)
class _Taint:
    """What follows from the ledger and the records, as they were when it was worked out."""

    causes: dict[EpisodeName, str]
    """The tainted episodes, each with the key of a record that was shown there."""
    accepted: frozenset[str]
    """Keys of records that a person accepted."""

    def of(self, record: MemoryRecord) -> str:
        """Why a record is suspect; empty when it is not."""
        episode = episode_of(record)
        if episode not in self.causes or record.key in self.accepted:
            return ""
        return f"written in {episode}, which record {self.causes[episode]!r} supported"


class Quarantine:
    """The records of a memory that are set aside or suspect, and the way in and out.

    Args:
        memory: whose records they are.
        lessons: the lessons of that memory.
        support: the ledger of that memory.
    """

    def __init__(self, memory: Memory, lessons: Lessons, support: Support) -> None:
        self.memory = memory
        self.lessons = lessons
        self.support = support
        self._known: _Taint | None = None

    @classmethod
    def of(cls, store: MemoryStore, *namespace: str) -> Quarantine:
        """The quarantine of a namespace; lessons and ledger are in namespaces beside it."""
        return cls(
            store.memory(*namespace),
            Lessons(store.memory("lessons", *namespace)),
            Support(store.memory("support", *namespace)),
        )

    async def put(self, key: str, *, reason: str, by: str = WRITER) -> list[MemoryRecord]:
        """Set an active record aside, and take back the outcomes of the episodes it tainted.

        A record that a person has accepted stays: their word counts for more.

        Returns:
            The record, and those that are suspect now and were not before; none when it stays.

        Raises:
            KeyError: there is no such record.
        """
        before = await self._taint()
        record = await self._record(key)
        if record.status != "active" or key in before.accepted:
            return []
        marked = await self.memory.mark(key, "quarantined", reason=reason, by=by)
        return [marked, *(each for each in await self._changed(before) if each.key != key)]

    async def suspicion(self, record: MemoryRecord) -> str:
        """Why a record is suspect, as far as this process knows; empty when it is not."""
        return (await self._taint()).of(record)

    async def end(self, episode: EpisodeName, outcome: float | None) -> None:
        """Note how an episode ended, in the provenance of what was written in it as well, unless
        it is tainted.

        Args:
            outcome: its score in [0, 1]; None where it broke, which says nothing of its records.
        """
        before = await self._taint()
        shown = await self.support.end(episode, outcome)
        records = [await self.memory.get(key) for key in sorted(shown)]
        if any(record and _is_bad(record) for record in records):
            await self._changed(before)
        if outcome is not None and episode not in (await self._taint()).causes:
            await self._settle(episode, outcome)

    async def confirmations(self, key: str) -> dict[EpisodeName, float]:
        """The outcomes, by episode, that speak for or against a record: those of the episodes that
        it was shown in and that are not tainted."""
        facts = await self.support.facts()
        taint = _worked_out(facts, await self.memory.records())
        return {
            episode: facts.outcomes[episode]
            for episode in facts.supported_by(key)
            if episode in facts.outcomes and episode not in taint.causes
        }

    async def cases(self) -> list[Case]:
        """The records that wait for a person, quarantined or suspect, oldest first."""
        facts = await self.support.facts()
        records = await self.memory.records()
        taint = _worked_out(facts, records)
        cases = []
        for record in records:
            if why := _waits(record, taint):
                episodes = facts.supported_by(record.key)
                cases.append(
                    Case(
                        record,
                        why,
                        await self.lessons.of(record.key),
                        {episode: facts.outcomes.get(episode) for episode in episodes},
                        tuple(each.key for each in records if episode_of(each) in episodes),
                    )
                )
        return cases

    async def accept(self, key: str, *, by: str, reason: str = "") -> list[MemoryRecord]:
        """Bring a record back for good: its lesson is withdrawn, and what was suspect for its sake
        only is not any more.

        Returns:
            The record, and those that are not suspect any more.

        Raises:
            KeyError: there is no such record.
            ValueError: it is neither quarantined nor suspect.
        """
        before = await self._waiting(key)
        why = f"accepted by {by}: {reason}" if reason else f"accepted by {by}"
        await self.support.accept(key)
        await self.lessons.withdraw(key, reason=why, by=by)
        back = await self.memory.mark(key, "active", reason=why, by=by)
        return [back, *(each for each in await self._changed(before) if each.key != key)]

    async def reject(self, key: str, *, by: str, reason: str = "") -> MemoryRecord:
        """Retire a record for good. Its lesson stays, and what is suspect for its sake is still.

        Raises:
            KeyError: there is no such record.
            ValueError: it is neither quarantined nor suspect.
        """
        before = await self._waiting(key)
        why = f"{REJECTED} by {by}: {reason}" if reason else f"{REJECTED} by {by}"
        record = await self.memory.mark(key, "retired", reason=why, by=by)
        await self._changed(before)
        return record

    async def _taint(self) -> _Taint:
        """What is tainted, as far as it was worked out here; what other processes have set aside
        since then is found out at the next change."""
        if self._known is None:
            self._known = _worked_out(await self.support.facts(), await self.memory.records())
        return self._known

    async def _changed(self, before: _Taint) -> list[MemoryRecord]:
        """Work out again what is tainted, and take back or give back the outcomes of episodes.

        Returns:
            The records that have become suspect, or are not any more.
        """
        facts, records = await self.support.facts(), await self.memory.records()
        now = self._known = _worked_out(facts, records)
        for episode in sorted(now.causes.keys() - before.causes.keys()):
            await self._settle(episode, None)
        for episode in sorted(before.causes.keys() - now.causes.keys()):
            await self._settle(episode, facts.outcomes.get(episode))
        return [each for each in records if bool(now.of(each)) != bool(before.of(each))]

    async def _settle(self, episode: EpisodeName, outcome: float | None) -> None:
        await self.memory.settle(episode.episode, outcome, run=episode.run, by=WRITER)

    async def _record(self, key: str) -> MemoryRecord:
        record = await self.memory.get(key)
        if record is None:
            raise KeyError(f"no record {key!r} in {'/'.join(self.memory.namespace)}")
        return record

    async def _waiting(self, key: str) -> _Taint:
        """What is tainted, read anew, when the record waits for a person."""
        record = await self._record(key)
        self._known = None
        taint = await self._taint()
        if not _waits(record, taint):
            raise ValueError(
                f"record {key!r} is {record.status}, and not suspect: there is nothing to judge"
            )
        return taint


def _worked_out(facts: Facts, records: Iterable[MemoryRecord]) -> _Taint:
    """Which episodes are tainted: they were shown a record that is set aside, or one that was
    written in such an episode."""
    written: dict[EpisodeName, list[str]] = defaultdict(list)
    supported: dict[str, list[EpisodeName]] = defaultdict(list)
    for episode, keys in facts.shown.items():
        for key in keys:
            supported[key].append(episode)
    waiting = []
    for record in records:
        written[episode_of(record)].append(record.key)
        if _is_bad(record):
            waiting.append(record.key)
    causes: dict[EpisodeName, str] = {}
    for cause in waiting:
        for episode in sorted(supported[cause]):
            if episode not in causes:
                causes[episode] = cause
                waiting += [key for key in written[episode] if key not in facts.accepted]
    return _Taint(causes, frozenset(facts.accepted))


def _waits(record: MemoryRecord, taint: _Taint) -> str:
    """Why a record waits for a person; empty when it does not."""
    if record.status == "quarantined":
        return record.reason
    return taint.of(record) if record.status == "active" else ""


def _is_bad(record: MemoryRecord) -> bool:
    """Whether a record is set aside; one that was merely retired, by age say, is not."""
    rejected = record.status == "retired" and record.reason.startswith(REJECTED)
    return record.status == "quarantined" or rejected
