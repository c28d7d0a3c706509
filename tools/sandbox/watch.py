"""Look at the memory that all processes of a tenant hold together, and tell when it is too much.

The kernel limits the address space of each process, not of a tree of them. So the host reads the
tree's resident memory from its own /proc every tenth of a second. A tenant that is done sooner
costs nothing. Where /proc does not show the processes of others, nothing is seen: then a tenant is
held by `Limits.memory` times `Limits.processes`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

PERIOD = 0.1
"""Seconds between two looks."""
FIELD = re.compile(r"^(NSpid|RssAnon|RssShmem):\s*(.*)$", re.MULTILINE)


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
        self._depth = 2 + len(_status(Path("/proc/self")).get("NSpid", "").split())

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
        for pid, held in self._tenants():
            if pid in self._watched and held > self._limit:
                self._tell(pid)
        self._wait()

    def _tenants(self) -> Iterator[tuple[int, int]]:
        """The first process of each tenant, and the bytes that its tree holds."""
        waiting = [self._root]
        while waiting:
            process = waiting.pop()
            names = _status(Path(f"/proc/{process}")).get("NSpid", "").split()
            if len(names) == self._depth and names[-1] == "1":
                yield int(names[-2]), sum(map(_held, _tree(process)))
            else:
                waiting += children(process)


def _tree(process: int) -> Iterator[int]:
    waiting = [process]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children(process)


def children(process: int) -> list[int]:
    """The children of all threads of a process; none of one that is gone."""
    children: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            children += map(int, (thread / "children").read_text().split())
    return children


def _held(process: int) -> int:
    """The bytes that a process holds in memory, but for those of files."""
    status = _status(Path(f"/proc/{process}"))
    return sum(int(status.get(key, "0 kB").split()[0]) for key in ("RssAnon", "RssShmem")) * 1024


def _status(folder: Path) -> dict[str, str]:
    with suppress(OSError):
        return dict(FIELD.findall((folder / "status").read_text()))
    return {}
