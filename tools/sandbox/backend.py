"""The port of the sandbox: what every way of isolating code gives to the rest.

A backend makes workers. A worker is one process that waits, already isolated, for its one tenant:
it is asked one job after the other, each answered by one frame, and is then killed with everything
it started. It never serves a second tenant. Between host and worker go frames: four bytes of
length, big-endian, then a JSON object. The host believes nothing that a worker says about itself:
how it ended, what it printed and what it used come from the isolation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

FRAME_LIMIT = 32 * 2**20
"""Bytes of the longest frame, either way."""


class End(StrEnum):
    """Why a worker is no more."""

    EXIT = "exit"
    """Its process left by itself; `exit_code` says how."""
    SIGNAL = "signal"
    """A signal that the host did not send ended it; `signal` says which."""
    TIMEOUT = "timeout"
    """The wall clock, or its CPU time, ran out."""
    MEMORY = "memory"
    """Its processes together held more memory than they may."""
    OUTPUT = "output"
    """It wrote more than it may."""
    PROTOCOL = "protocol"
    """It sent something that is not one frame for one job: the worker was killed, unbelieved."""
    LOST = "lost"
    """The isolation itself ended, for instance because somebody killed it."""
    CLOSED = "closed"
    """The host was done with it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One job given to a worker, and what came of it."""

    reply: bytes | None
    """The body of the frame that answered: untrusted, not parsed. None where none came whole."""
    stdout: bytes = b""
    """What was written to descriptor 1 during this job, at most `Limits.output` bytes."""
    stderr: bytes = b""
    truncated: bool = False
    """Whether more was written than `stdout` and `stderr` hold."""
    seconds: float = 0.0
    """From the job's sending to the reply or the end."""
    end: End | None = None
    """Why the worker is no more; None while it lives and may be asked again."""
    exit_code: int | None = None
    signal: int | None = None
    cpu_seconds: float = 0.0
    """User and system time of the tree, over all jobs; 0 while the worker lives.

    Like `peak_memory`, of the processes that were waited for: a tenant can hide what it used.
    """
    peak_memory: int = 0
    """Largest resident set of one process of the tree, in bytes; 0 while the worker lives."""


class Worker(Protocol):
    """One isolated process and its one tenant."""

    @property
    def alive(self) -> bool:
        """Whether it can be asked: False once it is known that it has ended."""
        ...

    async def ask(self, job: Mapping[str, object], seconds: float, last: bool = False) -> Exchange:
        """Give it a job and wait for the answer, the clock, or its end.

        Cancelling the call kills the worker. A worker that has ended answers with how it ended.

        Args:
            job: sent as one frame.
            seconds: the wall clock of this job.
            last: whether the worker is to be killed after its reply, so that what the tree used
                is measured; `end` is then `End.CLOSED` if it answered.

        Raises:
            ValueError: the job is longer than `FRAME_LIMIT`.
        """
        ...

    async def close(self) -> None:
        """Kill it, with everything it started, and wait until it is gone. May be called twice."""
        ...


class Backend(Protocol):
    """One way of isolating code. All its methods are called in one event loop."""

    @property
    def name(self) -> str:
        """The name that results carry, for example `native`."""
        ...

    async def open(self) -> None:
        """Get ready to make workers. Called once, before the first.

        Raises:
            UnavailableError: the isolation does not work here; the message says why and what to do.
        """
        ...

    async def worker(self) -> Worker:
        """A fresh worker, isolated and waiting for its first job.

        Raises:
            UnavailableError: no worker could be made.
        """
        ...

    async def close(self) -> None:
        """Kill every worker and free everything. May be called twice."""
        ...


class UnavailableError(RuntimeError):
    """A way of isolating code does not work on this machine, or no longer does."""
