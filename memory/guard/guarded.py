"""What a memory gives an agent for one query: what may be read, and what was kept from it."""

from __future__ import annotations

from dataclasses import dataclass

from ..quoting import CAP, fold
from ..record import USES, Found, MemoryRecord, Retriever, Use
from .lessons import Lesson
from .showing import shown


@dataclass(frozen=True, slots=True)
class Flagged:
    """A record that was found and is not shown."""

    record: MemoryRecord
    reason: str
    """Why."""
    chain: str | None = None
    """What it leads to, where that was worked out."""
    judged: bool = False
    """Whether it was found wrong; otherwise nobody could tell, and it is not shown all the same."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """What may be read for one query."""

    records: tuple[Found, ...] = ()
    """What stood, best first."""
    lessons: tuple[Lesson, ...] = ()
    """What was learned before from records with similar actions, each once."""
    flagged: tuple[Flagged, ...] = ()
    """What was found and is not shown."""
    calls: int = 0
    """Model calls that were asked for."""

    @property
    def text(self) -> str:
        """What an agent reads: lessons and records, quoted; empty when there are none."""
        return shown(self.records, self.lessons)


async def found_for(memory: Retriever, query: str, *, k: int, use: Use) -> list[Found]:
    """The `k` best active records that may influence this. Records that are shown alike are one:
    whoever writes a thing many times is not many.

    Raises:
        ValueError: `k` is below 1, or `use` is unknown.
    """
    if k < 1:
        raise ValueError(f"k={k}: at least one record is asked for")
    if use not in USES:
        raise ValueError(f"no use {use!r}; there are: {', '.join(sorted(USES))}")
    wide = k
    while True:
        found = await memory.search(query, k=wide)
        good: dict[tuple[str, str], Found] = {}
        for each in found:
            record = each.record
            if record.status == "active" and use in record.uses:
                good.setdefault((fold(record.text[:CAP]), fold(record.action[:CAP])), each)
        if len(good) >= k or len(found) < wide:
            return [*good.values()][:k]
        wide *= 4
