"""The host's side of the zygote: start it, ask it for workers, notice its end, start another.

One process is started for many workers; `inside/zygote.py` is what it becomes. A way of isolating
code only says with what command it starts, so that all of them have the same workers.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import seccomp
from .backend import End, Exchange, UnavailableError
from .channel import Channel, ends
from .limits import Limits
from .obstacles import remedies
from .watch import Watch, children

STARTING = 20.0
"""Seconds that a zygote, or a worker, may take to be ready."""
ENDING = 5.0
"""Seconds that a worker has to be gone once it is killed; then the whole zygote is."""
LAST_WORDS = 1.0
"""Seconds that a worker gets to end by itself once it has closed its side of the channel."""
PACKET = 2**16
"""Bytes of the longest message."""
HELD_INSIDE = (
    "cpu_seconds",
    "memory",
    "processes",
    "files",
    "file_count",
    "file_size",
    "open_files",
)
"""The limits that are held inside the isolation; the host watches the others."""
INSIDE = Path(__file__).parent / "inside"
BEGIN = """
import sys
sys.path.insert(0, sys.argv[1])
from inside.start import main
sys.path[:] = [*sys.path[1:], sys.argv[3]]
number = int(sys.argv[2])
del sys.argv[:]
main(number)
"""
FIRST_TO_GO = ["/bin/sh", "-c", 'echo 1000 2>&- >/proc/self/oom_score_adj; exec "$@"', "sh"]
"""Runs a command that the kernel ends before all others, should the host's memory run out."""
ENVIRONMENT = {
    "HOME": "/box/work",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONHASHSEED": "0",
    "TMPDIR": "/tmp",
}
"""All that a tenant's environment holds; sets of strings have the same order in every run."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a zygote is started."""

    arguments: list[str]
    """Put before the interpreter's own; empty where it isolates itself."""
    interpreter: str
    folder: str
    """The folder that has `inside` in it, as the process will see it."""
    packages: str
    """The folder of packages that are allowed, as the process will see it."""
    config: dict[str, object] = field(default_factory=dict)
    """What `inside.start.main` is to be told besides the limits."""
    descriptors: list[int] = field(default_factory=list)
    """Those that the arguments name; whoever starts the zygote closes them."""

    def command(self, descriptor: int) -> list[str]:
        """The whole command, for a zygote that speaks on this descriptor."""
        python = [self.interpreter, "-s", "-S", "-P", "-c", BEGIN]
        return [*FIRST_TO_GO, *self.arguments, *python, self.folder, str(descriptor), self.packages]


class Zygotes:
    """A backend that forks its workers from a zygote, and starts another when that dies.

    Args:
        name: the backend's name.
        limits: of each worker.
        launch: how a zygote is started; may raise `UnavailableError`.
    """

    def __init__(self, name: str, limits: Limits, launch: Callable[[], Launch]) -> None:
        self.name = name
        self._limits = limits
        self._launch = launch
        self._zygote: Zygote | None = None
        self._first: ForkedWorker | None = None
        self._starting = asyncio.Lock()

    async def open(self) -> None:
        """See `Backend.open`. The worker that proves it is the first to be lent."""
        self._first = await self.worker()

    async def worker(self) -> ForkedWorker:
        """See `Backend.worker`."""
        first, self._first = self._first, None
        if first is not None and first.alive:
            return first
        zygote = await self._current()
        return await zygote.worker()

    async def close(self) -> None:
        """See `Backend.close`."""
        if self._first is not None:
            await self._first.close()
            self._first = None
        async with self._starting:
            if self._zygote is not None:
                await self._zygote.close()
                self._zygote = None
        self._starting = asyncio.Lock()  # the next to open it may have another event loop

    async def _current(self) -> Zygote:
        async with self._starting:
            if self._zygote is not None and self._zygote.lost:
                await self._zygote.close()
                self._zygote = None
            if self._zygote is None:
                try:
                    zygote = Zygote(self._launch(), self._limits)
                except OSError as error:
                    raise UnavailableError(f"{self.name} did not start: {error}") from None
                try:
                    await zygote.start()
                except BaseException:
                    await asyncio.shield(zygote.close())
                    raise
                self._zygote = zygote
            return self._zygote


class Zygote:
    """One zygote's process, in the running event loop."""

    def __init__(self, launch: Launch, limits: Limits) -> None:
        self.limits = limits
        self.lost = False
        self.landlock = 0
        """The version of Landlock that it found."""
        self._loop = asyncio.get_running_loop()
        self._workers: dict[int, ForkedWorker] = {}
        self._count = 0
        self._outgoing: deque[tuple[bytes, list[int]]] = deque()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        with ExitStack() as done, ExitStack() as failed:
            for descriptor in launch.descriptors:
                done.callback(os.close, descriptor)
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            done.callback(theirs.close)
            failed.callback(self._socket.close)
            self._socket.setblocking(False)
            self._errors = os.memfd_create("errors")
            failed.callback(os.close, self._errors)
            self._process = subprocess.Popen(
                launch.command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=[theirs.fileno(), *launch.descriptors],
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,  # a Ctrl-C is for the host alone
            )
            failed.pop_all()
        self._loop.add_reader(self._socket, self._receive)
        self._watch = Watch(self._process.pid, limits.total_memory, self._overdrawn)
        held = {name: getattr(limits, name) for name in HELD_INSIDE}
        program = seccomp.program().hex()
        self._send({"host": os.getpid(), "limits": held, "program": program, **launch.config})

    async def start(self) -> None:
        """Wait until it is ready to fork.

        Raises:
            UnavailableError: it is not; the message has its reason.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._ready), STARTING)
            return
        self._lose("it did not start in time")

    async def worker(self) -> ForkedWorker:
        """A fresh worker, confined and waiting for its first job.

        Raises:
            UnavailableError: there is none.
        """
        self._count += 1
        number = self._count
        ours, theirs, stdout, stderr = ends()
        worker = ForkedWorker(self, number, ours, stdout[0], stderr[0])
        self._send({"spawn": number}, [theirs.detach(), stdout[1], stderr[1]])
        self._workers[number] = worker
        try:
            await worker.start()
        except BaseException:
            await worker.close()
            raise
        return worker

    def kill(self, number: int) -> None:
        """Kill a worker, the second time by force; its end is told later."""
        self._send({"kill": number})

    def watch(self, pid: int) -> None:
        """Look at the memory of a worker from now on."""
        self._watch.add(pid)

    def unwatch(self, pid: int) -> None:
        """Stop that."""
        self._watch.remove(pid)

    def abandon(self) -> None:
        """Kill it, and every worker with it."""
        for pid in children(self._process.pid):  # bwrap, if root's, may not kill what it started
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self._process.kill()

    async def close(self) -> None:
        """End it, and every worker with it; wait until it is gone. May be called twice."""
        self._lose("it was closed")
        if self._process.returncode is None:
            await asyncio.shield(self._gone())
        if self._errors >= 0:
            os.close(self._errors)
            self._errors = -1

    async def _gone(self) -> None:
        """Wait for the end of the process, and see to it that it comes."""
        try:
            descriptor = os.pidfd_open(self._process.pid)
        except OSError:  # no descriptor is left
            self.abandon()
            self._process.wait()
            return
        gone = asyncio.Event()
        self._loop.add_reader(descriptor, gone.set)
        try:
            await asyncio.wait_for(gone.wait(), ENDING)
        except TimeoutError:
            self.abandon()
            await gone.wait()
        finally:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
            self._process.poll()

    def _send(self, message: Mapping[str, object], given: list[int] | None = None) -> None:
        """Send a message, now or as soon as there is room; the descriptors are closed then."""
        self._outgoing.append((json.dumps(message).encode(), given or []))
        if self.lost:
            self._forget()
        else:
            self._flush()

    def _flush(self) -> None:
        while self._outgoing:
            data, given = self._outgoing[0]
            try:
                socket.send_fds(self._socket, [data], given)
            except BlockingIOError:
                self._loop.add_writer(self._socket, self._flush)
                return
            except OSError:
                pass  # reading will tell
            self._outgoing.popleft()
            for descriptor in given:
                os.close(descriptor)
        self._loop.remove_writer(self._socket)

    def _forget(self) -> None:
        """Send nothing of what waits for it."""
        for _, given in self._outgoing:
            for descriptor in given:
                os.close(descriptor)
        self._outgoing.clear()

    def _receive(self) -> None:
        while not self.lost:
            try:
                data = self._socket.recv(PACKET)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._lose("it ended")
                return
            self._heard(json.loads(data))

    def _heard(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self.landlock = message["landlock"]
            if not self._ready.done():
                self._ready.set_result(None)
        elif "refused" in message:
            self._lose(message["refused"])
        elif worker := self._workers.get(message.get("forked", 0)):
            worker.forked(message["pid"])
        elif worker := self._workers.get(message.get("failed", 0)):
            worker.failed(message["why"])
        elif worker := self._workers.pop(message.get("ended", 0), None):
            worker.ended(Ended(message["status"], message["cpu"], message["peak"]))

    def _overdrawn(self, pid: int) -> None:
        for worker in self._workers.values():
            if worker.pid == pid:
                worker.interrupt(End.MEMORY)

    def _lose(self, why: str) -> None:
        """Take it as gone: nobody waits for it any longer."""
        if self.lost:
            return
        self.lost = True
        self._watch.close()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._socket.close()
        self._forget()
        if not self._ready.done():
            self._ready.set_exception(UnavailableError(self._reason(why)))
            self._ready.exception()
        for worker in list(self._workers.values()):
            worker.interrupt(End.LOST)
            worker.ended(Ended(None, 0.0, 0))
        self._workers.clear()

    def _reason(self, why: str) -> str:
        """Why it ended, with the last thing that it wrote to standard error."""
        size = os.fstat(self._errors).st_size
        text = os.pread(self._errors, 2000, max(0, size - 2000)).decode("utf-8", "replace")
        why = f"{why}: {text.strip()}" if text.strip() and why == "it ended" else why
        return "; ".join([why, *remedies()])


@dataclass(frozen=True, slots=True)
class Ended:
    """What the zygote says of a worker that is gone."""

    status: int | None
    """As from `waitpid`; None where it was killed from outside."""
    cpu: float
    """Seconds."""
    peak: int
    """Bytes."""


class ForkedWorker:
    """A worker of a zygote."""

    def __init__(
        self, zygote: Zygote, number: int, peer: socket.socket, stdout: int, stderr: int
    ) -> None:
        self.pid = 0
        """As the zygote sees it; 0 until it is forked."""
        self._zygote = zygote
        self._number = number
        self._channel = Channel(peer, stdout, stderr, zygote.limits.output)
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._why = ""
        self._last: Exchange | None = None

    @property
    def alive(self) -> bool:
        """See `Worker.alive`."""
        return not self._ended.done()

    async def start(self) -> None:
        """Wait until it waits for its first job.

        Raises:
            UnavailableError: it does not; the message has the reason.
        """
        if not await self._channel.greeting(STARTING):
            await self._end(Exchange(None, end=End.CLOSED))
            why = self._why or "it ended before it was ready"
            raise UnavailableError(f"a worker could not be confined: {why}")

    async def ask(self, job: Mapping[str, object], seconds: float, last: bool = False) -> Exchange:
        """See `Worker.ask`."""
        if self._last is not None:
            return replace(self._last, reply=None, stdout=b"", stderr=b"", seconds=0.0)
        self._zygote.watch(self.pid)
        try:
            exchange = await self._channel.trade(job, seconds)
        except BaseException:
            await self.close()
            raise
        if exchange.end is None and not last:
            self._channel.rest(lambda end: self._end(Exchange(None, end=end)))
            return exchange
        return await self._end(exchange)

    async def close(self) -> None:
        """See `Worker.close`."""
        await asyncio.shield(self._end(Exchange(None)))

    def forked(self, pid: int) -> None:
        """It has been forked, with this process id in the zygote's namespace."""
        self.pid = pid

    def failed(self, why: str) -> None:
        """It could not be confined, and is ending."""
        self._why = why
        self._channel.interrupt(End.EXIT)

    def interrupt(self, end: End) -> None:
        """Let a job under way end like this."""
        self._channel.interrupt(end)

    def ended(self, ended: Ended) -> None:
        """It is gone."""
        self._zygote.unwatch(self.pid)
        if not self._ended.done():
            self._ended.set_result(ended)

    async def _end(self, exchange: Exchange) -> Exchange:
        """Kill the tenant's processes, and tell how they ended and what they used."""
        if self._last is not None:
            return self._last
        self._channel.wake()
        left = exchange.end is End.EXIT and await self._leaves()
        for patience in (LAST_WORDS, ENDING):
            if not self._ended.done():
                self._zygote.kill(self._number)
                await asyncio.wait([self._ended], timeout=patience)
        if not self._ended.done():
            self._zygote.abandon()
        ended = await asyncio.shield(self._ended)
        if self._last is None:
            self._channel.drain()
            self._last = self._channel.told(self._measured(exchange, ended, left))
            self._channel.close()
        return self._last

    async def _leaves(self) -> bool:
        """Whether the worker, which has closed the channel, ends by itself."""
        done, _ = await asyncio.wait([self._ended], timeout=LAST_WORDS)
        return bool(done)

    def _measured(self, exchange: Exchange, ended: Ended, left: bool) -> Exchange:
        end = exchange.end or End.CLOSED
        code = None if ended.status is None else os.waitstatus_to_exitcode(ended.status)
        if end is End.EXIT:
            end = self._ending(code, ended.cpu) if left else End.PROTOCOL
        number = (signal.SIGKILL if code is None else -code) if end is End.SIGNAL else None
        return replace(
            exchange,
            end=end,
            exit_code=code if end is End.EXIT else None,
            signal=number,
            cpu_seconds=ended.cpu,
            peak_memory=ended.peak,
        )

    def _ending(self, code: int | None, cpu: float) -> End:
        """What an exit code, negative for a signal, says of an end that nobody ordered."""
        if self._zygote.lost:
            return End.LOST
        if code is not None and code >= 0:
            return End.EXIT
        spent = code in (None, -signal.SIGKILL) and cpu >= self._zygote.limits.cpu_seconds
        return End.TIMEOUT if spent or code == -signal.SIGXCPU else End.SIGNAL
