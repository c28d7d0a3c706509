"""Lessons: what was learned from records that did not stand, kept apart from the records.

A lesson is the chain that a flagged record led to, kept under that record's action. It comes from a
text that may be an attacker's, so it is only ever quoted, under a warning. There is one lesson a
record, in a memory of their own, and only the guard's are believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from ..memory import Memory
from ..quoting import CAP, fold, quote
from ..record import MemoryRecord

WRITER = "memory-guard"
"""Who writes lessons, and whose marks say why a record was set aside."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one record led to when it did not stand."""

    of: str
    """The key of that record."""
    action: str
    """Its action."""
    chain: str
    """Its reasoning."""
    reason: str = ""
    """What the auditor said about it, or which check it failed."""
    queries: tuple[str, ...] = ()
    """Digests of the queries at which it was flagged."""
    likeness: float = 1.0
    """Cosine of its action with the one that it was found by."""


class Lessons:
    """The lessons of one memory.

    Args:
        memory: holds them, and nothing else.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._writer = memory.writer(WRITER, trust=1.0)

    async def learn(self, record: MemoryRecord, chain: str, query: str, reason: str) -> int:
        """Keep `chain` as the lesson of `record`; the latest chain replaces the one before.

        Returns:
            At how many different queries the record was flagged; 0 where its lesson was withdrawn
            and is not learned again.
        """
        key = _digest(record.key)
        held = await owned(self.memory, key)
        if held is not None and held.status != "active":
            return 0
        before = _lesson(held) if held else None
        queries = dict.fromkeys([*(before.queries if before else ()), _digest(fold(query))])
        action = acted(record)
        data = {"of": record.key, "action": action, "reason": reason, "queries": [*queries]}
        await self._writer.write(chain, action=searched(action), data=data, key=key)
        return len(queries)

    async def of(self, key: str) -> Lesson | None:
        """The lesson of the record at `key`, unless there is none, or it was withdrawn."""
        held = await self.memory.get(_digest(key))
        return _lesson(held) if held else None

    async def near(self, action: str, *, k: int, at_least: float) -> list[Lesson]:
        """The lessons of the `k` most similar actions, with a cosine of `at_least`; best first."""
        found = await self.memory.similar_actions(searched(action), k=k)
        lessons = ((_lesson(each.record), each.score) for each in found if each.score >= at_least)
        return [replace(lesson, likeness=score) for lesson, score in lessons if lesson]

    async def withdraw(self, key: str, *, reason: str, by: str) -> None:
        """Never show the lesson of the record at `key` again: it was a false alarm."""
        if await self.of(key) is not None:
            await self.memory.mark(_digest(key), "retired", reason=reason, by=by)


async def owned(memory: Memory, key: str) -> MemoryRecord | None:
    """What the guard wrote at `key`. What another put there, around the store say, is removed."""
    held = await memory.get(key)
    if held is None or held.provenance.writer == WRITER:
        return held
    await memory.delete(key, reason="it is not the guard's", by=WRITER)
    return None


def distinct(lessons: Iterable[Lesson]) -> list[Lesson]:
    """`lessons` without those that say what one before them says."""
    first: dict[tuple[str, str], Lesson] = {}
    for lesson in lessons:
        first.setdefault((fold(lesson.action), fold(lesson.chain)), lesson)
    return [*first.values()]


def acted(record: MemoryRecord) -> str:
    """What a record is known by among actions: its text, where it tells of none."""
    return (record.action or record.text)[:CAP]


def searched(action: str) -> str:
    """An action as lessons are found by it; letters that pose as others do not hide it."""
    return fold(action[:CAP]) or quote(action)


def _lesson(held: MemoryRecord) -> Lesson | None:
    if held.status != "active" or held.provenance.writer != WRITER:
        return None
    told = held.data
    return Lesson(told["of"], told["action"], held.text, told["reason"], (*told["queries"],))


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=12).hexdigest()
