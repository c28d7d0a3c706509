"""Long work in a thread, short work at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def beside(long: bool, work: Callable[[], T]) -> T:
    """The result of `work`; in a thread when it is long, so that other tasks of this event loop go
    on meanwhile, and at once when the way to a thread takes longer than the work."""
    return await asyncio.to_thread(work) if long else work()
