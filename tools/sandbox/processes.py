"""Which processes come from which, read from this machine's /proc."""

from __future__ import annotations

import os
from contextlib import suppress


def children(process: int) -> list[int]:
    """The children of all threads of a process; none of one that is gone."""
    found: list[int] = []
    tasks = f"/proc/{process}/task"
    with suppress(OSError):
        for thread in os.listdir(tasks):
            with suppress(OSError), open(f"{tasks}/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    return found


def descendants(process: int) -> list[int]:
    """All that descend from a process, and live."""
    return [found for child in children(process) for found in (child, *descendants(child))]
