"""The zygote: a Python that has imported everything, and forks a confined child for each tenant.

It is the first process of its process namespace: when it ends, for whatever reason, the kernel
kills every tenant. It listens to the host alone, on one socket, and a tenant has no way to it: no
descriptor, no signal, no /proc, another process and user namespace.

A tenant is two processes. The first confines itself, waits for the second, and takes in orphans; as
the first of the tenant's process namespace it cannot be killed from inside, and its end is the end
of everything that the tenant started. The second runs the tenant's code. Asked to end, the first
kills and reaps all others, so that what they used is counted; asked again, it is killed itself.

Messages are JSON, one in a packet. From the host: `spawn` (a number, with three descriptors: the
worker's channel, and what is to be its standard output and error), `kill` (a number). To the host:
`ready`, `forked` (with `pid`), `failed` (with `why`) and `ended` with `status` (as from `waitpid`;
null where the tenant was killed), `cpu` (seconds) and `peak` (bytes).
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
from _socket import AF_UNIX, SOCK_SEQPACKET, sethostname, socket, socketpair
from contextlib import suppress

from . import landlock, plain, system
from .confine import NAMESPACES, Confinement, confine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

PACKET = 2**16
"""Bytes of the longest message."""
DESCRIPTORS = 3
IDLE = 20
"""Milliseconds without an order, after which one more module is imported for later tenants."""
PRELOADED = (
    "typing",
    "traceback",
    "collections",
    "dataclasses",
    "inspect",
    "random",
    "datetime",
)
"""What code often imports; left until there is time, so that the first worker is there soon. Not
asyncio: with it every fork takes half as long again."""


def serve(host: socket, limits: Confinement) -> None:
    """Fork tenants until the host closes the socket."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    system.prctl(system.PR_SET_DUMPABLE, 0)
    sethostname("sandbox")
    gc.collect()
    gc.freeze()  # the collector shall not touch, and so copy, what tenants share
    Zygote(host, limits).serve()


class Zygote:
    """The tenants that live, by their number."""

    def __init__(self, host: socket, limits: Confinement) -> None:
        self._host = host
        self._limits = limits
        self._numbers: dict[int, int] = {}
        self._statuses: dict[int, int] = {}
        self._asked: set[int] = set()
        self._ours, self._theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        self._ours.setblocking(False)
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # for tenants; see `_wait`
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Until the host closes the socket."""
        self._tell(ready=True, landlock=landlock.abi())
        poll = select.poll()
        for source in (self._host.fileno(), self._ours.fileno(), self._wake):
            poll.register(source, select.POLLIN)
        imports = iter(PRELOADED)
        idle: int | None = IDLE
        while True:
            found = poll.poll(idle)
            if not found and _import_next(imports):
                idle = None
            for source, _ in found:
                if source == self._wake:
                    self._reap()
                elif source == self._ours.fileno():
                    self._reports()
                elif not self._order():
                    return

    def _order(self) -> bool:
        """Do what the host asks for; False when it is gone."""
        data, given = system.receive(self._host, PACKET, DESCRIPTORS)
        if not data:
            return False
        order = json.loads(data)
        if "spawn" in order:
            self._spawn(order["spawn"], given)
        elif "kill" in order:
            self._kill(order["kill"])
        for descriptor in given:
            os.close(descriptor)
        return True

    def _spawn(self, number: int, given: list[int]) -> None:
        try:
            pid = system.fork_into(NAMESPACES)
        except OSError as error:
            self._tell(failed=number, why=str(error))
            return
        if pid:
            self._numbers[pid] = number
            self._tell(forked=number, pid=pid)
        else:
            _tenant(number, given, self._theirs, self._limits)

    def _kill(self, number: int) -> None:
        """Ask a tenant to end; the second time, end it."""
        for pid, known in self._numbers.items():
            if known == number:
                os.kill(pid, signal.SIGKILL if number in self._asked else signal.SIGTERM)
                self._asked.add(number)

    def _reports(self) -> None:
        """Pass on what the first processes of tenants say."""
        with suppress(BlockingIOError):
            while data := self._ours.recv(PACKET):
                report = json.loads(data)
                if "status" in report:
                    self._statuses[report["number"]] = report["status"]
                else:
                    self._tell(failed=report["number"], why=report["why"])

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake, PACKET)
        self._reports()
        with suppress(ChildProcessError):
            while True:
                pid, _, usage = os.wait4(-1, os.WNOHANG)
                if not pid:
                    return
                self._reports()  # it spoke before it ended
                number = self._numbers.pop(pid)
                self._asked.discard(number)
                self._tell(
                    ended=number,
                    status=self._statuses.pop(number, None),
                    cpu=usage.ru_utime + usage.ru_stime,
                    peak=usage.ru_maxrss * 1024,
                )

    def _tell(self, **message: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # reading will tell
            self._host.send(json.dumps(message).encode())


def _import_next(names: Iterator[str]) -> bool:
    """Import one more; whether there was none left."""
    name = next(names, None)
    if name is not None:
        __import__(name)
        gc.collect()
        gc.freeze()
    return name is None


def _tenant(number: int, given: list[int], zygote: socket, limits: Confinement) -> NoReturn:
    """The first process of a tenant: never returns to the zygote's code."""

    def tell(**report: Any) -> None:
        zygote.send(json.dumps({"number": number, **report}).encode())

    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        channel, report = _arrange(given, zygote, limits.open_files)
        zygote = report
        confine(limits)
        child = os.fork()
        if child == 0:
            _worker(channel, report)
        _close_all_but(report.fileno())
        status = _wait(child)
        tell(status=status)
    except BaseException as error:
        with suppress(BaseException):
            tell(why=f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)


def _arrange(given: list[int], zygote: socket, open_files: int) -> tuple[int, socket]:
    """Standard streams on 0 to 2, the two sockets on the highest numbers, and nothing else."""
    null = os.open("/dev/null", os.O_RDONLY)
    high = [
        os.dup2(given[0], open_files - 1, False),
        os.dup2(zygote.fileno(), open_files - 2, False),
    ]
    for target, source in enumerate((null, *given[1:])):
        os.dup2(source, target)
    system.close_range(3, open_files - 3)
    system.close_range(open_files, 2**31 - 1)
    return high[0], socket(fileno=high[1])


def _close_all_but(descriptor: int) -> None:
    """Close everything else, so that a closed end is noticed at the other."""
    system.close_range(0, descriptor - 1)
    system.close_range(descriptor + 1, 2**31 - 1)


def _wait(child: int) -> int:
    """Take in orphans until the child ends; its status as from `waitpid`.

    A SIGTERM from outside, whose sender has no number in here, ends the tenant: everybody else is
    killed and reaped. One from inside is nothing.
    """
    while True:
        told = signal.sigwaitinfo([signal.SIGCHLD, signal.SIGTERM])
        if told.si_signo == signal.SIGTERM and told.si_pid == 0:
            with suppress(OSError):
                os.kill(-1, signal.SIGKILL)
            with suppress(ChildProcessError):
                while True:
                    os.wait()
            os._exit(0)
        pid = -1
        while pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return status


def _worker(channel: int, report: socket) -> NoReturn:
    """The second process of a tenant: serves its jobs."""
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        report.close()
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        gc.enable()
        sys.dont_write_bytecode = True
        plain.main(channel, {})
        code = 0
    finally:
        os._exit(code)
