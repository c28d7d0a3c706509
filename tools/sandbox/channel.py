"""The host's end of a worker: a socket for frames, and two pipes for what it prints.

A channel knows no process: it cannot kill one and does not know how one ended. It says whether an
answer came, in time, alone and within the limits; whoever owns the worker does the rest. Pipes are
read while a job is sent and waited for: a worker that prints first and reads later blocks nobody.
Between two jobs they are read too, and its owner is called when it must not live on.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

from .backend import FRAME_LIMIT, End, Exchange, UnavailableError

HEADER = 4
"""Bytes that tell a frame's length."""
CHUNK = 2**16
"""Bytes read at once."""


class Channel:
    """One worker's socket and pipes, in the running event loop; it owns all three.

    Args:
        peer: a connected stream socket.
        stdout: the reading end of the pipe that is the worker's standard output.
        stderr: the same for its standard error.
        output: bytes of each that one job may write.
    """

    def __init__(self, peer: socket.socket, stdout: int, stderr: int, output: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._peer = peer
        self._peer.setblocking(False)
        self._output = output
        self._pipes = [stdout, stderr]
        self._said = {pipe: bytearray() for pipe in self._pipes}
        self._outgoing = memoryview(b"")
        self._incoming = bytearray()
        self._waiting: asyncio.Future[None] | None = None
        self._end: End | None = None
        self._broken: Callable[[End], Coroutine[Any, Any, object]] | None = None
        self._breaking: asyncio.Task[object] | None = None
        for pipe in self._pipes:
            os.set_blocking(pipe, False)
            self._loop.add_reader(pipe, self._read, pipe)

    async def greeting(self, seconds: float) -> bool:
        """Whether the worker said in time, by an empty frame, that it waits for a job."""
        return await self._answer(b"", seconds) == b""

    async def trade(self, job: Mapping[str, object], seconds: float) -> Exchange:
        """Send a job and wait for its answer.

        Returns:
            `end` is None when exactly one frame came, `End.EXIT` when the worker closed its side,
            else `End.TIMEOUT`, `End.OUTPUT`, `End.PROTOCOL` or what `interrupt` was told.

        Raises:
            ValueError: the job is longer than a frame may be.
        """
        data = json.dumps(job).encode()
        if len(data) > FRAME_LIMIT:
            raise ValueError(f"a job of {len(data)} bytes: at most {FRAME_LIMIT} go to a worker")
        began = time.monotonic()
        self.wake()
        self.drain()
        for said in self._said.values():
            said.clear()
        if self._has_more():
            self.interrupt(End.PROTOCOL)
        reply = await self._answer(len(data).to_bytes(HEADER, "big") + data, seconds)
        took = time.monotonic() - began
        self.drain()
        if self._end is None and self._has_more():
            self.interrupt(End.PROTOCOL)
        reply = reply if self._end is None else None
        return self.told(Exchange(reply, seconds=took, end=self._end))

    def interrupt(self, end: End) -> None:
        """End the trade under way, and all later ones, with `end`; the first call counts."""
        self._end = self._end or end
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        if self._broken is not None and not self._loop.is_closed():
            self._breaking = self._loop.create_task(self._broken(end))
            self._broken = None

    def rest(self, broken: Callable[[End], Coroutine[Any, Any, object]]) -> None:
        """Until the next trade, let an interrupt call `broken`, which is to end the worker.

        What is printed meanwhile is limited as that of a job is, and thrown away.
        """
        self._broken = broken
        for said in self._said.values():
            said.clear()

    def wake(self) -> None:
        """End that."""
        self._broken = None

    def told(self, exchange: Exchange) -> Exchange:
        """`exchange` with what was printed since the last job was sent."""
        stdout, stderr = (bytes(said[: self._output]) for said in self._said.values())
        cut = any(len(said) > self._output for said in self._said.values())
        return replace(exchange, stdout=stdout, stderr=stderr, truncated=cut)

    def drain(self) -> None:
        """Read what stands in the pipes, up to the limit."""
        for pipe in self._pipes:
            while self._read(pipe):
                pass

    def close(self) -> None:
        """Close the socket and the pipes. May be called twice."""
        self.wake()
        self.interrupt(End.CLOSED)
        self._forget_peer()
        self._peer.close()
        while self._pipes:
            pipe = self._pipes.pop()
            self._forget(pipe)
            os.close(pipe)

    async def _answer(self, frame: bytes, seconds: float) -> bytes | None:
        """The body of the frame that answers `frame`; None where the trade was interrupted."""
        if self._end is not None:
            return None
        self._waiting = self._loop.create_future()
        self._outgoing = memoryview(frame)
        self._incoming.clear()
        peer = self._peer.fileno()
        self._loop.add_reader(peer, self._receive)
        clock = self._loop.call_later(seconds, self.interrupt, End.TIMEOUT)
        self._send()
        if self._outgoing:
            self._loop.add_writer(peer, self._send)
        try:
            await self._waiting
        finally:
            clock.cancel()
            self._forget_peer()
        return bytes(self._incoming[HEADER:]) if self._end is None else None

    def _send(self) -> None:
        try:
            while self._outgoing:
                self._outgoing = self._outgoing[self._peer.send(self._outgoing) :]
        except BlockingIOError:
            return
        except OSError:
            self._outgoing = memoryview(b"")  # it closed its side; reading will tell
        self._loop.remove_writer(self._peer.fileno())

    def _receive(self) -> None:
        try:
            chunk = self._peer.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self._incoming += chunk
        missing = HEADER - len(self._incoming)
        if missing <= 0:
            length = int.from_bytes(self._incoming[:HEADER], "big")
            missing += length
            if length > FRAME_LIMIT or missing < 0:
                self.interrupt(End.PROTOCOL)
        if missing == 0 and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        elif not chunk:
            self.interrupt(End.EXIT)

    def _has_more(self) -> bool:
        """Whether bytes stand there that nobody asked for."""
        with suppress(OSError):
            return bool(self._peer.recv(1, socket.MSG_PEEK))
        return False

    def _read(self, pipe: int) -> bool:
        """Take a chunk from a pipe; says whether there may be more that is wanted."""
        said = self._said[pipe]
        try:
            chunk = os.read(pipe, CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self._forget(pipe)
            return False
        if len(said) <= self._output:
            said += chunk
        if len(said) <= self._output:
            return True
        self._forget(pipe)
        self.interrupt(End.OUTPUT)
        return False

    def _forget(self, pipe: int) -> None:
        """Read a pipe no more."""
        if not self._loop.is_closed():
            self._loop.remove_reader(pipe)

    def _forget_peer(self) -> None:
        """Wait for the worker no more."""
        peer = self._peer.fileno()
        if peer >= 0 and not self._loop.is_closed():
            self._loop.remove_reader(peer)
            self._loop.remove_writer(peer)


def ends() -> tuple[socket.socket, socket.socket, tuple[int, int], tuple[int, int]]:
    """Both ends of a worker's socket and of its two pipes: ours and theirs, to read and to write.

    Raises:
        UnavailableError: this process has no descriptors left.
    """
    pipes: list[tuple[int, int]] = []
    with ExitStack() as opened:
        try:
            for _ in range(2):
                pipes.append(os.pipe())
                for end in pipes[-1]:
                    opened.callback(os.close, end)
            pair = socket.socketpair()
        except OSError as error:
            raise UnavailableError(f"no worker could be made: {error}") from None
        opened.pop_all()
    return *pair, pipes[0], pipes[1]
