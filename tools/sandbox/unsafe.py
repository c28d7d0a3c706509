"""`unsafe-subprocess`: a plain process with resource limits, and no isolation at all.

The code runs as you: it can read your files, reach the network, and leave processes behind that
moved to a session of their own. What holds is what keeps accidents small: the limits on address
space, CPU time, file size and descriptors, the cap on output, the clock, and that the whole process
group is killed. `Limits.processes`, `files`, `file_count` and `total_memory` are not held. It is
there for machines that have nothing better, and is taken only with `allow_unsafe=True`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from resource import struct_rusage

from .backend import End, Exchange, UnavailableError
from .channel import Channel, ends
from .limits import Limits
from .worker import ChannelWorker, leaves

NAME = "unsafe-subprocess"
STARTING = 30.0
"""Seconds that the interpreter may take to start."""
START = """
import json, sys
sys.path.insert(0, sys.argv[1])
from inside.plain import main
del sys.path[0]
main(int(sys.argv[2]), json.loads(sys.argv[3]))
"""


class UnsafeSubprocess:
    """The backend; see the module."""

    name = NAME

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._workers: set[UnsafeWorker] = set()

    async def open(self) -> None:
        """Nothing is needed."""

    async def worker(self) -> UnsafeWorker:
        """A fresh process in a fresh temporary folder.

        Raises:
            UnavailableError: it does not start.
        """
        worker = UnsafeWorker(self._limits)
        self._workers.add(worker)
        worker.ended.add_done_callback(lambda _: self._workers.discard(worker))
        await worker.start()
        return worker

    async def close(self) -> None:
        """Kill every worker's process group."""
        for worker in list(self._workers):
            await worker.close()


class UnsafeWorker(ChannelWorker):
    """One process, the leader of a process group of its own."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits
        ours, theirs, stdout, stderr = ends()
        self._channel = Channel(ours, stdout[0], stderr[0], limits.output)
        self._folder = tempfile.mkdtemp(prefix="symposia-unsafe-")
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-c", START, str(Path(__file__).parent)),
                    *(str(theirs.fileno()), json.dumps(resources(limits))),
                ],
                stdin=subprocess.DEVNULL,
                stdout=stdout[1],
                stderr=stderr[1],
                pass_fds=[theirs.fileno()],
                cwd=self._folder,
                env={"PATH": os.defpath, "HOME": self._folder, "TMPDIR": self._folder},
                start_new_session=True,
            )
        except OSError as error:
            self._channel.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise UnavailableError(f"{sys.executable} did not start: {error}") from None
        finally:
            theirs.close()
            os.close(stdout[1])
            os.close(stderr[1])
        self.ended = _end_of(self._process)

    async def start(self) -> None:
        """Wait until it waits for its first job.

        Raises:
            UnavailableError: it does not; the message has what it printed.
        """
        if not await self._channel.greeting(STARTING):
            last = await self._end(Exchange(None))
            raise UnavailableError(
                f"{sys.executable} did not start as a worker: {last.stderr.decode()[-500:]}"
            )

    async def _end(self, exchange: Exchange) -> Exchange:
        """Kill the process group and tell how it ended and what it used."""
        self._channel.wake()
        left = exchange.end is End.EXIT and await leaves(self.ended)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        status, usage = await asyncio.shield(self.ended)
        code = os.waitstatus_to_exitcode(status)
        self._channel.drain()
        end = exchange.end or End.CLOSED
        if end is End.EXIT:
            spent = usage.ru_utime + usage.ru_stime >= self._limits.cpu_seconds
            end = _ending(code, spent) if left else End.PROTOCOL
        self._last = self._channel.told(
            replace(
                exchange,
                end=end,
                exit_code=code if end is End.EXIT else None,
                signal=-code if end is End.SIGNAL else None,
                cpu_seconds=usage.ru_utime + usage.ru_stime,
                peak_memory=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            )
        )
        self._channel.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        return self._last


def _ending(code: int, spent: bool) -> End:
    """What an exit code, negative for a signal, says of an end that nobody ordered.

    Args:
        spent: whether its CPU time was used up; the kernel kills what ignores SIGXCPU.
    """
    if code == -signal.SIGXCPU or (spent and code == -signal.SIGKILL):
        return End.TIMEOUT
    return End.EXIT if code >= 0 else End.SIGNAL


def resources(limits: Limits) -> dict[str, tuple[int, int]]:
    """Soft and hard limits; between those of CPU time the kernel says with SIGXCPU what it is."""
    return {
        "RLIMIT_AS": (limits.memory, limits.memory),
        "RLIMIT_CPU": (limits.cpu_seconds, limits.cpu_seconds + 1),
        "RLIMIT_FSIZE": (limits.file_size, limits.file_size),
        "RLIMIT_NOFILE": (limits.open_files, limits.open_files),
        "RLIMIT_CORE": (0, 0),
    }


def _end_of(process: subprocess.Popen[bytes]) -> asyncio.Future[tuple[int, struct_rusage]]:
    """The process's wait status and what it used, once it has ended."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[int, struct_rusage]] = loop.create_future()

    def tell(status: int, usage: struct_rusage) -> None:
        if not ended.done():
            ended.set_result((status, usage))

    def wait() -> None:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        with suppress(RuntimeError):  # the loop was closed first
            loop.call_soon_threadsafe(tell, status, usage)

    threading.Thread(target=wait, daemon=True).start()
    return ended
