"""The host's side of the zygote's process: start it, ask it for workers, notice its end.

`inside/zygote.py` is what it becomes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Any

from . import seccomp
from .backend import End, UnavailableError
from .channel import ends
from .forked import Ended, ForkedWorker
from .launch import ENVIRONMENT, Launch
from .limits import Limits
from .obstacles import remedies
from .processes import children
from .watch import Watch

STARTING = 20.0
"""Seconds that a zygote may take to be ready."""
ENDING = 5.0
"""Seconds that it has to be gone once it is told to end; then it is killed."""
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
                self._loop.add_writer(self._socket.fileno(), self._flush)
                return
            except OSError:
                pass  # reading will tell
            self._outgoing.popleft()
            for descriptor in given:
                os.close(descriptor)
        self._loop.remove_writer(self._socket.fileno())

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
            self._loop.remove_writer(self._socket.fileno())
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
