"""Recall: one door to any memory, guarded or not."""

from __future__ import annotations

from ...episodes import current_recorder
from ..memory import Memory
from ..record import Retriever, Use
from .guard import MemoryGuard
from .guarded import Guarded, found_for


async def recall(memory: Retriever, query: str, *, k: int = 5, use: Use = "context") -> Guarded:
    """What `memory` has for `query`; a `MemoryGuard` is consulted, any other is taken at its word.

    In an episode, the records that are written in it get its outcome when it is over.

    Raises:
        ValueError: `k` is below 1, or `use` is unknown.
    """
    if isinstance(memory, MemoryGuard):
        return await memory.consult(query, k=k, use=use)
    if isinstance(memory, Memory) and (recorder := current_recorder()) is not None:
        recorder.at_end(memory.end)
    return Guarded(records=tuple(await found_for(memory, query, k=k, use=use)))
