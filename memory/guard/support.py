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
from typing import Any

from ...episodes import EpisodeName
from ..memory import Memory
from ..record import MemoryRecord
from .lessons import WRITER, owned


@dataclass(slots=True)
class Facts:
    """All that a ledger holds."""

    shown: dict[EpisodeName, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Keys of records, by the episode that was shown them."""
    outcomes: dict[EpisodeName, float] = field(default_factory=dict)
    """Scores in [0, 1], by episode."""
    accepted: set[str] = field(default_factory=set)
    """Keys of records that a person accepted."""

    def supported_by(self, key: str) -> list[EpisodeName]:
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
        self._open: dict[EpisodeName, set[str]] = defaultdict(set)
        """What episodes that run in this process were shown."""

    async def show(self, episode: EpisodeName, keys: Iterable[str]) -> None:
        """Note that `episode` was shown the records at `keys`."""
        for key in keys:
            if key not in self._open[episode]:
                name = "\n".join(("shown", *episode, key))
                await self._note(name, {"kind": "shown", "episode": [*episode], "key": key})
                self._open[episode].add(key)

    async def end(self, episode: EpisodeName, outcome: float | None) -> set[str]:
        """Note that `episode` ended, with `outcome` where there is one; played again, the latest
        counts.

        Returns:
            The keys of the records that it was shown in this process.
        """
        if outcome is not None:
            told = {"kind": "outcome", "episode": [*episode], "score": float(outcome)}
            await self._note("\n".join(("outcome", *episode)), told)
        return self._open.pop(episode, set())

    async def accept(self, key: str) -> None:
        """Note that a person accepted the record at `key`."""
        await self._note(f"accepted\n{key}", {"kind": "accepted", "key": key})

    async def facts(self) -> Facts:
        """All that the ledger holds now."""
        facts = Facts()
        for entry in await self.memory.records(status="active"):
            if entry.provenance.writer != WRITER:
                continue
            match entry.data:
                case {"kind": "shown", "episode": [run, episode], "key": key}:
                    facts.shown[EpisodeName(run, episode)].add(key)
                case {"kind": "outcome", "episode": [run, episode], "score": score}:
                    facts.outcomes[EpisodeName(run, episode)] = score
                case {"kind": "accepted", "key": key}:
                    facts.accepted.add(key)
        return facts

    async def _note(self, name: str, fact: dict[str, Any]) -> None:
        """Write a fact down, in the place of an earlier one of its name."""
        key = blake2b(name.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        await owned(self.memory, key)
        await self._writer.write(name, data=fact, key=key)


def episode_of(record: MemoryRecord) -> EpisodeName:
    """The episode that a record was written in."""
    return EpisodeName(record.provenance.run, record.provenance.episode)
