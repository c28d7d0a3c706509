"""Look at the memory that all processes of a tenant hold together, and tell when it is too much.

The kernel limits the address space of each process, not of a tree of them. So the host reads the
tree's resident memory from its own /proc every tenth of a second. A tenant that is done sooner
costs nothing. Where /proc does not show the processes of others, nothing is seen: then a tenant is
held by `Limits.memory` times `Limits.processes`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from .processes import children, descendants

PERIOD = 0.1
"""Seconds between two looks."""
NUMBERS = re.compile(rb"^NSpid:([\d\t ]*)$", re.MULTILINE)
HELD = re.compile(rb"^(?:RssAnon|RssShmem|VmSwap|HugetlbPages):\s*(\d+) kB$", re.MULTILINE)
"""Bytes, as the name of a process, which is shown beside them, need be no text."""


class Watch:
    """The memory of a zygote's tenants that have a job.

    Args:
        root: the process that was started; the zygote and its tenants descend from it.
        limit: bytes that the processes of one tenant may hold together.
        tell: called with the id of a tenant's first process, in the zygote's namespace.
    """

    def __init__(self, root: int, limit: int, tell: Callable[[int], None]) -> None:
        self._root = root
        self._limit = limit
        self._tell = tell
        self._watched: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._depth = 2 + len(_numbers("self"))

    def add(self, pid: int) -> None:
        """Watch a tenant."""
        self._watched.add(pid)
        if self._timer is None:
            self._wait()

    def remove(self, pid: int) -> None:
        """Watch it no longer."""
        self._watched.discard(pid)

    def close(self) -> None:
        """Watch nobody."""
        self._watched.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(PERIOD, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._watched:
            return
        try:
            for pid, held in self._tenants():
                if held > self._limit:
                    self._tell(pid)
        finally:
            self._wait()

    def _tenants(self) -> Iterator[tuple[int, int]]:
        """The first process of each tenant that is watched, and the bytes that its tree holds."""
        waiting = [self._root]
        while waiting:
            process = waiting.pop()
            numbers = _numbers(process)
            if len(numbers) == self._depth and numbers[-1] == 1:
                if numbers[-2] in self._watched:
                    yield numbers[-2], sum(map(_held, [process, *descendants(process)]))
            else:
                waiting += children(process)


def _held(process: int) -> int:
    """The bytes that a process holds in memory, but for those of files.

    Its threads share them, and one that has ended, even the first, shows none.
    """
    if found := HELD.findall(_status(process)):
        return sum(map(int, found)) * 1024
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{process}/task"):
            if found := HELD.findall(_status(f"{process}/task/{thread}")):
                return sum(map(int, found)) * 1024
    return 0


def _numbers(process: int | str) -> list[int]:
    """The numbers of a process in its namespaces, outermost first."""
    found = NUMBERS.search(_status(process))
    return [int(word) for word in found[1].split()] if found else []


def _status(process: int | str) -> bytes:
    with suppress(OSError), open(f"/proc/{process}/status", "rb", buffering=0) as file:
        return file.read()
    return b""
