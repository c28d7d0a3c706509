"""Quarantine: records set aside until a person has looked at them, and what goes with them.

An episode that was shown a record which is now set aside is tainted: its outcome confirms nothing
any more, and what was written in it is suspect and set aside as well, and so on from there. That
breaks the cycle in which a planted record brings forth episodes, and these the records that confirm
it. When a person accepts a record, what was set aside for its sake only comes back.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...episodes import EpisodeName
from ..memory import Memory
from ..record import MemoryRecord
from ..store import MemoryStore
from .lessons import WRITER, Lesson, Lessons
from .support import Facts, Support, episode_of

SUSPECT = "written in a tainted episode"
"""How the reason of a suspect record begins."""
REJECTED = "rejected"
"""How the reason of a record that a person rejected begins."""


@dataclass(frozen=True, slots=True)
class Case:
    """A record that waits for a person, and what is known of it."""

    record: MemoryRecord
    lesson: Lesson | None
    """What it led to when it was flagged."""
    episodes: dict[EpisodeName, float | None]
    """The episodes that it was shown in, with their outcomes where they are known."""
    suspects: tuple[str, ...]
    """Keys of records that were written in those episodes."""


class Quarantine:
    """The records of a memory that are set aside, and the way in and out.

    Args:
        memory: whose records they are.
        lessons: the lessons of that memory.
        support: the ledger of that memory.
    """

    def __init__(self, memory: Memory, lessons: Lessons, support: Support) -> None:
        self.memory = memory
        self.lessons = lessons
        self.support = support
        self._tainted: set[EpisodeName] | None = None

    @classmethod
    def of(cls, store: MemoryStore, *namespace: str) -> Quarantine:
        """The quarantine of a namespace; lessons and ledger are in namespaces beside it."""
        return cls(
            store.memory(*namespace),
            Lessons(store.memory("lessons", *namespace)),
            Support(store.memory("support", *namespace)),
        )

    async def put(self, key: str, *, reason: str, by: str = WRITER) -> list[MemoryRecord]:
        """Set an active record aside, with everything that it supported.

        A record that a person has accepted stays: their word counts for more.

        Returns:
            The records that were set aside, the first among them.

        Raises:
            KeyError: there is no such record.
        """
        facts = await self.support.facts()
        record = await self._record(key)
        if record.status != "active" or key in facts.accepted:
            return []
        marked = await self.memory.mark(key, "quarantined", reason=reason, by=by)
        return [marked, *await self._spread([key], facts)]

    async def tainted(self, episode: EpisodeName) -> bool:
        """Whether an episode was shown a record that is set aside now, as far as this process and
        the ledger as it first read it know."""
        if self._tainted is None:
            records = {record.key: record for record in await self.memory.records()}
            self._tainted = _tainted(await self.support.facts(), records)
        return episode in self._tainted

    async def end(self, episode: EpisodeName, outcome: float | None) -> None:
        """Note how an episode ended, in the provenance of what was written in it as well; if it is
        tainted, that is set aside instead.

        Args:
            outcome: its score in [0, 1]; None where it broke, which says nothing of its records.
        """
        shown = await self.support.end(episode, outcome)
        records = [await self.memory.get(key) for key in sorted(shown)]
        bad = [record.key for record in records if record and _is_bad(record)]
        if bad:
            await self._spread(bad, await self.support.facts())
        elif outcome is not None:
            await self._settle(episode, outcome)

    async def suspect(self, record: MemoryRecord) -> bool:
        """Whether a record was written in a tainted episode; if so it is set aside now."""
        episode = episode_of(record)
        if not episode.episode or not await self.tainted(episode):
            return False
        reason = f"{SUSPECT}, {episode}"
        return bool(await self.put(record.key, reason=reason))

    async def confirmations(self, key: str) -> dict[EpisodeName, float]:
        """The outcomes, by episode, that speak for or against a record: those of the episodes that
        it was shown in and that are not tainted."""
        facts = await self.support.facts()
        records = {record.key: record for record in await self.memory.records()}
        tainted = _tainted(facts, records)
        return {
            episode: facts.outcomes[episode]
            for episode in facts.supported_by(key)
            if episode in facts.outcomes and episode not in tainted
        }

    async def cases(self) -> list[Case]:
        """The records that wait for a person, oldest first."""
        facts = await self.support.facts()
        records = await self.memory.records()
        cases = []
        for record in records:
            if record.status == "quarantined":
                episodes = facts.supported_by(record.key)
                cases.append(
                    Case(
                        record,
                        await self.lessons.of(record.key),
                        {episode: facts.outcomes.get(episode) for episode in episodes},
                        tuple(each.key for each in records if episode_of(each) in episodes),
                    )
                )
        return cases

    async def accept(self, key: str, *, by: str, reason: str = "") -> list[MemoryRecord]:
        """Bring a record back for good: its lesson is withdrawn, and suspects that nothing else
        speaks against come back with it.

        Returns:
            The records that are active again, this one first.

        Raises:
            KeyError: there is no such record.
            ValueError: it is not quarantined.
        """
        await self._waiting(key)
        why = f"accepted by {by}: {reason}" if reason else f"accepted by {by}"
        await self.support.accept(key)
        await self.lessons.withdraw(key, reason=why, by=by)
        back = [await self.memory.mark(key, "active", reason=why, by=by)]
        facts = await self.support.facts()
        for record in back:
            for episode in facts.supported_by(record.key):
                records = {each.key: each for each in await self.memory.records()}
                if episode in _tainted(facts, records):
                    continue
                for name in await self._settle(episode, facts.outcomes.get(episode)):
                    if name in records and _is_suspect(records[name]):
                        back.append(await self.memory.mark(name, "active", reason=why, by=by))
        self._tainted = None
        return back

    async def reject(self, key: str, *, by: str, reason: str = "") -> MemoryRecord:
        """Retire a record for good. Its lesson stays, and so does what was set aside with it.

        Raises:
            KeyError: there is no such record.
            ValueError: it is not quarantined.
        """
        await self._waiting(key)
        why = f"{REJECTED} by {by}: {reason}" if reason else f"{REJECTED} by {by}"
        return await self.memory.mark(key, "retired", reason=why, by=by)

    async def _spread(self, causes: list[str], facts: Facts) -> list[MemoryRecord]:
        """Take back the outcomes of episodes that `causes` supported, set aside what was written
        in them, and so on."""
        reached: list[MemoryRecord] = []
        waiting = [*causes]
        for cause in waiting:
            for episode in facts.supported_by(cause):
                if self._tainted is not None:
                    self._tainted.add(episode)
                reason = f"{SUSPECT}, {episode}, which record {cause!r} supported"
                for key in await self._settle(episode, None):
                    record = await self.memory.get(key)
                    if record and record.status == "active" and key not in facts.accepted:
                        marked = await self.memory.mark(
                            key, "quarantined", reason=reason, by=WRITER
                        )
                        reached.append(marked)
                        waiting.append(key)
        return reached

    async def _settle(self, episode: EpisodeName, outcome: float | None) -> list[str]:
        """Write an outcome into what was written in an episode; the keys of that."""
        return await self.memory.settle(episode.episode, outcome, run=episode.run, by=WRITER)

    async def _record(self, key: str) -> MemoryRecord:
        record = await self.memory.get(key)
        if record is None:
            raise KeyError(f"no record {key!r} in {'/'.join(self.memory.namespace)}")
        return record

    async def _waiting(self, key: str) -> None:
        record = await self._record(key)
        if record.status != "quarantined":
            raise ValueError(f"record {key!r} is {record.status}: only quarantined ones are judged")


def _tainted(facts: Facts, records: dict[str, MemoryRecord]) -> set[EpisodeName]:
    """The episodes that were shown a record which is set aside."""
    bad = {key for key, record in records.items() if _is_bad(record)}
    return {episode for episode, keys in facts.shown.items() if keys & bad}


def _is_bad(record: MemoryRecord) -> bool:
    """Whether a record is set aside; one that was merely retired, by age say, is not."""
    rejected = record.status == "retired" and record.reason.startswith(REJECTED)
    return record.status == "quarantined" or rejected


def _is_suspect(record: MemoryRecord) -> bool:
    return record.status == "quarantined" and record.reason.startswith(SUSPECT)
