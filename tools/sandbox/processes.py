"""Which processes come from which, read from this machine's /proc."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def children(process: int) -> list[int]:
    """The children of all threads of a process; none of one that is gone."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found


def descendants(process: int) -> list[int]:
    """All that descend from a process, and live."""
    return [found for child in children(process) for found in (child, *descendants(child))]
