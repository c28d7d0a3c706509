"""What a memory holds: records, and where each came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Status = Literal["active", "quarantined", "retired"]
Use = Literal["context", "planning", "action"]
"""What a record may influence: what an agent reads, what it plans, what it does."""
USES: frozenset[Use] = frozenset({"context", "planning", "action"})


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a record came from. The store writes it; who writes the content cannot."""

    writer: str
    """The agent, tool or person that wrote the record."""
    run: str = ""
    episode: str = ""
    """The episode it was written in, as `task/attempt`; empty outside of one."""
    outcome: float | None = None
    """The score of that episode, in [0, 1], once it is known."""
    time: float = 0.0
    """Unix time of writing."""
    trust: float = 0.5
    """How far the writer is trusted, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """One thing remembered."""

    key: str
    text: str
    """What it says; this is searched."""
    provenance: Provenance
    action: str = ""
    """What was done, or is advised; lessons are found by it."""
    data: dict[str, Any] = field(default_factory=dict)
    """Anything else, as JSON."""
    status: Status = "active"
    uses: frozenset[Use] = USES
    reason: str = ""
    """Why it is not active."""


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a search found."""

    record: MemoryRecord
    score: float
    """Higher is better; comparable within one search only."""


class Retriever(Protocol):
    """Anything that finds records for a query."""

    async def search(self, query: str, *, k: int = 5) -> list[Found]:
        """The `k` best records, best first. Any text is a query."""
