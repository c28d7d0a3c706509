"""The zygote: a Python that has imported everything, and forks a confined child for each tenant.

It is the first process of its process namespace: when it ends, for whatever reason, the kernel
kills every tenant. It listens to the host alone, on one socket, and a tenant has no way to it: no
descriptor, no signal, no /proc, another process and user namespace.

A tenant is two processes. The first does next to nothing, for every page of memory that it touches
is copied: it waits for the second, and takes in orphans. As the first of the tenant's process
namespace it cannot be killed from inside, and its end is the end of everything that the tenant
started. The second confines itself and runs the tenant's code. Asked to end, the first kills and
reaps all others, so that what they used is counted; asked again, it is killed itself.

Messages are JSON, one in a packet. From the host: `spawn` (a number, with three descriptors: the
worker's channel, and what is to be its standard output and error), `kill` (a number). To the host:
`ready`, `forked` (with `pid`), `failed` (with `why`) and `ended` with `status` (as from `waitpid`;
null where the tenant was killed), `cpu` (seconds) and `peak` (bytes).
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # as `import signal` takes far longer
import gc
import os
import select
import sys
from _socket import AF_UNIX, SOCK_SEQPACKET, sethostname, socket, socketpair

from . import landlock, plain, system
from .confine import NAMESPACES, Confinement, confine
from .jobs import Kernel
from .wire import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    Tenant = tuple[int, int]
    """Its number, and the process id of its first process."""

PACKET = 2**16
"""Bytes of the longest message."""
DESCRIPTORS = 3
OUTPUT = (1, 2)
"""Standard output and standard error."""
OWN = 64
"""More descriptors than a zygote has for itself."""
AWAITED = (_signal.SIGCHLD, _signal.SIGTERM)
"""What the first process of a tenant waits for; blocked, or it would be lost; see `_wait`."""
IDLE = 20
"""Milliseconds without an order, after which one more module is imported for later tenants."""
PRELOADED = (
    "linecache",
    "json",
    "signal",
    "typing",
    "traceback",
    "collections",
    "dataclasses",
    "inspect",
    "random",
    "datetime",
)
"""What code often imports; left until there is time, so that the first worker is there soon. Not
asyncio: with it every fork takes half as long again. Not threading: what it does after a fork
touches, and so copies, a hundred pages."""


def serve(host: socket, limits: Confinement) -> None:
    """Fork tenants until the host closes the socket."""
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    system.prctl(system.PR_SET_DUMPABLE, 0)
    sethostname("sandbox")
    kernel = _kernel()
    gc.freeze()  # the collector shall not touch, and so copy, what tenants share
    Zygote(host, limits, kernel).serve()


def _kernel() -> Kernel:
    """Every tenant's kernel, made ahead; its streams shall take what they find there for pipes."""
    read, write = os.pipe()
    own = [os.dup(descriptor) for descriptor in OUTPUT]
    for descriptor in OUTPUT:
        os.dup2(write, descriptor)
    kernel = Kernel()
    for descriptor, source in zip(OUTPUT, own):
        os.dup2(source, descriptor)
    for descriptor in (read, write, *own):
        os.close(descriptor)
    return kernel


class Zygote:
    """The tenants that live, each by a descriptor of its first process."""

    def __init__(self, host: socket, limits: Confinement, kernel: Kernel) -> None:
        self._host = host
        self._limits = limits
        self._kernel = kernel
        self._tenants: dict[int, Tenant] = {}
        self._statuses: dict[int, int] = {}
        self._asked: set[int] = set()
        self._ours, self._theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        self._ours.setblocking(False)
        self._poll = select.poll()
        _signal.pthread_sigmask(_signal.SIG_BLOCK, AWAITED)

    def serve(self) -> None:
        """Until the host closes the socket."""
        self._tell(ready=True, landlock=landlock.abi())
        for peer in (self._host, self._ours):
            self._poll.register(peer, select.POLLIN)
        imports = iter(PRELOADED)
        idle: int | None = IDLE
        while True:
            found = self._poll.poll(idle)
            if not found and _import_next(imports):
                idle = None
            for source, _ in found:
                if source in self._tenants:
                    self._reap(source)
                elif source == self._ours.fileno():
                    self._reports()
                elif not self._order():
                    return

    def _order(self) -> bool:
        """Do what the host asks for; False when it is gone."""
        data, given = system.receive(self._host, PACKET, DESCRIPTORS)
        if not data:
            return False
        order = decode(data)
        if "spawn" in order:
            self._spawn(order["spawn"], given)
        elif "kill" in order:
            self._kill(order["kill"])
        for descriptor in given:
            os.close(descriptor)
        return True

    def _spawn(self, number: int, given: list[int]) -> None:
        pid = 0
        try:
            pid = system.fork_into(NAMESPACES)
            if pid == 0:
                self._tenant(number, given)
            end = os.pidfd_open(pid)
        except OSError as error:
            if pid:
                os.kill(pid, _signal.SIGKILL)
                os.waitpid(pid, 0)
            self._tell(failed=number, why=str(error))
            self._tell(ended=number, status=None, cpu=0.0, peak=0)
            return
        self._tenants[end] = number, pid
        self._poll.register(end, select.POLLIN)
        self._tell(forked=number, pid=pid)

    def _kill(self, number: int) -> None:
        """Ask a tenant to end; the second time, end it."""
        for known, pid in self._tenants.values():
            if known == number:
                os.kill(pid, _signal.SIGKILL if number in self._asked else _signal.SIGTERM)
                self._asked.add(number)

    def _reports(self) -> None:
        """Pass on what the first processes of tenants say."""
        while True:
            try:
                report = decode(self._ours.recv(PACKET))
            except BlockingIOError:
                return
            if "status" in report:
                self._statuses[report["number"]] = report["status"]
            else:
                self._tell(failed=report["number"], why=report["why"])

    def _reap(self, end: int) -> None:
        """Tell that a tenant has ended, and how."""
        self._reports()  # it spoke before it ended
        number, pid = self._tenants.pop(end)
        self._poll.unregister(end)
        os.close(end)
        usage = os.wait4(pid, 0)[2]
        self._asked.discard(number)
        self._tell(
            ended=number,
            status=self._statuses.pop(number, None),
            cpu=usage.ru_utime + usage.ru_stime,
            peak=usage.ru_maxrss * 1024,
        )

    def _tell(self, **message: Any) -> None:
        try:
            self._host.send(encode(message))
        except (BrokenPipeError, ConnectionResetError):
            return  # reading will tell

    def _tenant(self, number: int, given: list[int]) -> NoReturn:
        """The first process of a tenant."""
        reports = self._theirs.fileno()
        try:
            child = os.fork()
            if child == 0:
                self._worker(number, given, reports)
            _close(reports, max(OWN, *given, *self._tenants))
            system.lose_capabilities()
            _report(reports, number=number, status=_wait(child))
        except BaseException as error:
            _report(reports, number=number, why=f"{type(error).__name__}: {error}")
        finally:
            os._exit(0)

    def _worker(self, number: int, given: list[int], reports: int) -> NoReturn:
        """The second process of a tenant: serves its jobs."""
        code = 1
        try:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, [])
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
            channel, reports = _arrange(given, reports, self._limits.open_files)
            os.setsid()
            confine(self._limits)
        except BaseException as error:
            _report(reports, number=number, why=f"{type(error).__name__}: {error}")
            os._exit(code)
        try:
            os.close(reports)
            gc.enable()
            sys.dont_write_bytecode = True
            plain.serve(channel, self._kernel)
            code = 0
        finally:
            os._exit(code)


def _import_next(names: Iterator[str]) -> bool:
    """Import one more; whether there was none left."""
    name = next(names, None)
    if name is not None:
        __import__(name)
        gc.collect()
        gc.freeze()
    return name is None


def _arrange(given: list[int], reports: int, open_files: int) -> tuple[int, int]:
    """Standard streams on 0 to 2, the two sockets on the highest numbers, and nothing else."""
    null = os.open("/dev/null", os.O_RDONLY)
    high = (
        os.dup2(given[0], open_files - 1, False),
        os.dup2(reports, open_files - 2, False),
    )
    for target, source in enumerate((null, *given[1:])):
        os.dup2(source, target)
    system.close_range(3, open_files - 3)
    system.close_range(open_files, 2**31 - 1)
    return high


def _report(reports: int, **report: Any) -> None:
    """Say something of a tenant to the zygote."""
    os.write(reports, encode(report))


def _close(kept: int, last: int) -> None:
    """Close what else is there, so that a closed end is noticed at the other."""
    os.closerange(0, kept)
    os.closerange(kept + 1, last + 1)


def _wait(child: int) -> int:
    """Take in orphans until the child ends; its status as from `waitpid`.

    A SIGTERM from outside, whose sender has no number in here, ends the tenant: everybody else is
    killed and reaped. One from inside is nothing.
    """
    while True:
        told = _signal.sigwaitinfo(AWAITED)
        if told.si_signo == _signal.SIGTERM and told.si_pid == 0:
            _end_all()
        pid = -1
        while pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return status


def _end_all() -> NoReturn:
    try:
        os.kill(-1, _signal.SIGKILL)
        while True:
            os.wait()
    finally:
        os._exit(0)
