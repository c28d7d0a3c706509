"""The host's end of a worker: a socket for frames, and two pipes for what it prints.

A channel knows no process: it cannot kill one and does not know how one ended. It says whether an
answer came, in time, alone and within the limits; whoever owns the worker does the rest.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .backend import FRAME_LIMIT, End, Exchange

HEADER = 4
"""Bytes that tell a frame's length."""
CHUNK = 2**16
"""Bytes read from a pipe at once."""


class Channel:
    """One worker's socket and pipes; all are closed with the channel.

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
        self._said = {stdout: bytearray(), stderr: bytearray()}
        self._flood: asyncio.Future[None] = self._loop.create_future()
        self._pipes = [stdout, stderr]
        for pipe in self._pipes:
            os.set_blocking(pipe, False)
            self._loop.add_reader(pipe, self._read, pipe)

    async def greeting(self, seconds: float) -> bool:
        """Whether the worker said in time, by an empty frame, that it waits for a job."""
        try:
            async with asyncio.timeout(seconds):
                return await self._exactly(HEADER) == bytes(HEADER)
        except (EOFError, OSError, TimeoutError):
            return False

    async def trade(self, job: Mapping[str, object], seconds: float) -> Exchange:
        """Send a job and wait for its answer.

        Returns:
            `end` is None when exactly one frame came; `End.EXIT` when the worker closed its side;
            else `End.TIMEOUT`, `End.OUTPUT` or `End.PROTOCOL`.

        Raises:
            ValueError: the job is longer than a frame may be.
        """
        data = json.dumps(job).encode()
        if len(data) > FRAME_LIMIT:
            raise ValueError(f"a job of {len(data)} bytes: at most {FRAME_LIMIT} go to a worker")
        began = time.monotonic()
        self.drain()
        for said in self._said.values():
            said.clear()
        reply, end = (
            (None, End.PROTOCOL)
            if self._has_more()
            else await self._answered(len(data).to_bytes(HEADER, "big") + data, seconds)
        )
        took = time.monotonic() - began
        self.drain()
        if end is None and self._flood.done():
            end = End.OUTPUT
        return self.told(Exchange(reply if end is None else None, seconds=took, end=end))

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
        self._peer.close()
        while self._pipes:
            pipe = self._pipes.pop()
            self._loop.remove_reader(pipe)
            os.close(pipe)

    async def _answered(self, frame: bytes, seconds: float) -> tuple[bytes | None, End | None]:
        exchange = asyncio.ensure_future(self._exchange(frame))
        waited: set[asyncio.Future[Any]] = {exchange, self._flood}
        try:
            done, _ = await asyncio.wait(
                waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            exchange.cancel()
        if exchange in done:
            return exchange.result()
        return None, End.OUTPUT if done else End.TIMEOUT

    async def _exchange(self, frame: bytes) -> tuple[bytes | None, End | None]:
        try:
            await self._loop.sock_sendall(self._peer, frame)
            length = int.from_bytes(await self._exactly(HEADER), "big")
            if length > FRAME_LIMIT:
                return None, End.PROTOCOL
            reply = await self._exactly(length)
        except (EOFError, ConnectionError):
            return None, End.EXIT
        return (None, End.PROTOCOL) if self._has_more() else (reply, None)

    async def _exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            chunk = await self._loop.sock_recv(self._peer, min(length - len(data), 2**20))
            if not chunk:
                raise EOFError
            data += chunk
        return bytes(data)

    def _has_more(self) -> bool:
        """Whether bytes came that nobody asked for."""
        with suppress(BlockingIOError, ConnectionError):
            return bool(self._peer.recv(1, socket.MSG_PEEK))
        return False

    def _read(self, pipe: int) -> bool:
        """Take a chunk from a pipe; past the limit it is counted and dropped."""
        said = self._said[pipe]
        try:
            chunk = os.read(pipe, CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self._loop.remove_reader(pipe)
            return False
        if len(said) <= self._output:
            said += chunk
        if len(said) <= self._output:
            return True
        if not self._flood.done():
            self._flood.set_result(None)
        return False
