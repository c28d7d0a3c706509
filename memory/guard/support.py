"""The ledger of support: which records an episode was shown, and how it then ended.

It keeps facts only, one entry each: this record was shown in that episode; that episode ended with
this outcome; a person accepted this record. What follows from them
(which outcomes count, which records are suspect) is worked out anew whenever it is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ..record import MemoryRecord
from .lessons import WRITER, owned

if TYPE_CHECKING:
    from ..memory import Memory


@dataclass(slots=True)
class Facts:
    """All that a ledger holds."""

    shown: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Keys of records, by the episode that was shown them."""
    outcomes: dict[str, float] = field(default_factory=dict)
    """Scores in [0, 1], by episode."""
    accepted: set[str] = field(default_factory=set)
    """Keys of records that a person accepted."""

    def supported_by(self, key: str) -> list[str]:
        """The episodes that the record was shown in."""
        return sorted(episode for episode, keys in self.shown.items() if key in keys)


class Support:
    """The ledger of one memory.

    Args:
        memory: holds it, and nothing else.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._writer = memory.writer(WRITER, trust=1.0)
        self._open: dict[str, set[str]] = defaultdict(set)
        """What episodes that run in this process were shown."""

    async def show(self, episode: str, keys: Iterable[str]) -> None:
        """Note that `episode` was shown the records at `keys`."""
        for key in keys:
            if key not in self._open[episode]:
                await self._note("shown", episode, key, name=f"shown: {episode}: {key}")
                self._open[episode].add(key)

    async def end(self, episode: str, outcome: float | None) -> set[str]:
        """Note that `episode` ended, with `outcome` where there is one; played again, the latest
        counts.

        Returns:
            The keys of the records that it was shown in this process.
        """
        if outcome is not None:
            await self._note("outcome", episode, float(outcome))
        return self._open.pop(episode, set())

    async def accept(self, key: str) -> None:
        """Note that a person accepted the record at `key`."""
        await self._note("accepted", key, True)

    async def facts(self) -> Facts:
        """All that the ledger holds now."""
        facts = Facts()
        for entry in await self.memory.records(status="active"):
            if entry.provenance.writer != WRITER:
                continue
            match entry.data:
                case {"kind": "shown", "of": str(episode), "value": str(key)}:
                    facts.shown[episode].add(key)
                case {"kind": "outcome", "of": str(episode), "value": float(score)}:
                    facts.outcomes[episode] = score
                case {"kind": "accepted", "of": str(key)}:
                    facts.accepted.add(key)
        return facts

    async def _note(self, kind: str, of: str, value: Any, name: str = "") -> None:
        """Write a fact down, in the place of an earlier one of its name."""
        name = name or f"{kind}: {of}"
        key = blake2b(name.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        await owned(self.memory, key)
        await self._writer.write(name, data={"kind": kind, "of": of, "value": value}, key=key)


def episode_of(record: MemoryRecord) -> str:
    """The episode that a record was written in, as the ledger names it; empty outside of one."""
    origin = record.provenance
    return f"{origin.run}/{origin.episode}" if origin.episode else ""
