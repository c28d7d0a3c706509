"""The host's end of a worker: one frame for one job, in time and within the limits."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from symposia.tools.sandbox import End
from symposia.tools.sandbox.backend import FRAME_LIMIT
from symposia.tools.sandbox.channel import Channel

JOB = {"kind": "run"}


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


class Peer:
    """The worker's side."""

    def __init__(self) -> None:
        ours, self.socket = socket.socketpair()
        self.pipes = [os.pipe(), os.pipe()]
        self.channel = Channel(ours, self.pipes[0][0], self.pipes[1][0], output=1000)

    def job(self) -> object:
        """The job that was sent."""
        size = int.from_bytes(self.socket.recv(4, socket.MSG_WAITALL), "big")
        return json.loads(self.socket.recv(size, socket.MSG_WAITALL))

    def print(self, data: bytes, stream: int = 1) -> None:
        os.write(self.pipes[stream - 1][1], data)

    def close(self) -> None:
        self.channel.close()
        self.socket.close()
        for _, pipe in self.pipes:
            os.close(pipe)


@contextmanager
def playing(play: Callable[[Peer], object]) -> Iterator[Peer]:
    """A peer whose side is played in a thread."""
    peer = Peer()

    def run() -> None:
        with suppress(OSError):
            play(peer)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield peer
    finally:
        with suppress(OSError):
            peer.socket.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        peer.close()


async def test_a_job_has_one_answer_and_its_output() -> None:
    def play(peer: Peer) -> None:
        for answer in (b"one", b"two"):
            assert peer.job() == JOB
            peer.print(b"out " + answer)
            peer.print(b"err " + answer, 2)
            peer.socket.sendall(frame(answer))

    with playing(play) as peer:
        first = await peer.channel.trade(JOB, 5)
        second = await peer.channel.trade(JOB, 5)
    assert (first.reply, first.stdout, first.stderr) == (b"one", b"out one", b"err one")
    assert (second.reply, second.stdout, second.end) == (b"two", b"out two", None)


async def test_a_worker_that_prints_before_it_reads_blocks_nobody() -> None:
    big = {"code": "x" * 5_000_000}

    def play(peer: Peer) -> None:
        for _ in range(9):
            peer.print(b"x" * 100)
        assert peer.job() == big
        peer.socket.sendall(frame(b"y" * 5_000_000))

    with playing(play) as peer:
        exchange = await peer.channel.trade(big, 10)
    assert exchange.end is None and exchange.reply == b"y" * 5_000_000


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (frame(b"one") + frame(b"two"), End.PROTOCOL),
        (frame(b"one") + b"x", End.PROTOCOL),
        (frame(b"")[:2], End.TIMEOUT),
        (frame(b"whole")[:-1], End.TIMEOUT),
        ((FRAME_LIMIT + 1).to_bytes(4, "big"), End.PROTOCOL),
        (b"HTTP/1.1 200 OK", End.PROTOCOL),
    ],
)
async def test_what_is_not_one_frame_is_no_answer(answer: bytes, end: End) -> None:
    def play(peer: Peer) -> None:
        peer.job()
        peer.socket.sendall(answer)

    with playing(play) as peer:
        exchange = await peer.channel.trade(JOB, 0.3)
        assert (exchange.reply, exchange.end) == (None, end)
        assert (await peer.channel.trade(JOB, 0.3)).end is end


async def test_bytes_before_the_job_are_no_answer() -> None:
    with playing(lambda peer: peer.socket.sendall(frame(b"early"))) as peer:
        await asyncio.sleep(0.05)
        exchange = await peer.channel.trade(JOB, 1)
    assert (exchange.reply, exchange.end) == (None, End.PROTOCOL)


async def test_a_closed_side_is_an_end() -> None:
    with playing(lambda peer: (peer.job(), peer.socket.shutdown(socket.SHUT_WR))) as peer:
        assert (await peer.channel.trade(JOB, 5)).end is End.EXIT


async def test_too_much_output_is_an_end_and_is_cut() -> None:
    with playing(lambda peer: (peer.job(), peer.print(b"x" * 2000))) as peer:
        exchange = await peer.channel.trade(JOB, 5)
    assert (exchange.end, exchange.stdout, exchange.truncated) == (End.OUTPUT, b"x" * 1000, True)


async def test_exactly_as_much_as_allowed_is_no_end() -> None:
    def play(peer: Peer) -> None:
        peer.job()
        peer.print(b"x" * 1000)
        peer.socket.sendall(frame(b"{}"))

    with playing(play) as peer:
        exchange = await peer.channel.trade(JOB, 5)
    assert (exchange.end, len(exchange.stdout), exchange.truncated) == (None, 1000, False)


async def test_an_interrupt_ends_the_trade_with_its_reason() -> None:
    with playing(Peer.job) as peer:
        asyncio.get_running_loop().call_later(0.05, peer.channel.interrupt, End.MEMORY)
        assert (await peer.channel.trade(JOB, 5)).end is End.MEMORY
        peer.channel.interrupt(End.LOST)
        assert (await peer.channel.trade(JOB, 5)).end is End.MEMORY


async def test_too_much_output_between_two_jobs_calls_the_owner_once() -> None:
    called: list[End] = []

    async def broken(end: End) -> None:
        called.append(end)

    def play(peer: Peer) -> None:
        peer.job()
        peer.print(b"x" * 900)
        peer.socket.sendall(frame(b"{}"))

    with playing(play) as peer:
        assert (await peer.channel.trade(JOB, 5)).end is None
        peer.channel.rest(broken)
        peer.print(b"x" * 900)
        await asyncio.sleep(0.05)
        assert called == []
        for stream in (1, 2):
            peer.print(b"x" * 1100, stream)
            await asyncio.sleep(0.05)
            assert called == [End.OUTPUT]
        assert not asyncio.get_running_loop().remove_reader(peer.pipes[0][0])
        assert (await peer.channel.trade(JOB, 5)).end is End.OUTPUT


async def test_an_owner_that_ends_the_worker_itself_is_not_called() -> None:
    async def broken(end: End) -> None:
        raise AssertionError(end)

    with playing(lambda peer: None) as peer:
        peer.channel.rest(broken)
        peer.channel.wake()
        peer.channel.interrupt(End.OUTPUT)
        peer.channel.rest(broken)
        peer.channel.close()
        await asyncio.sleep(0)


async def test_a_greeting_is_an_empty_frame() -> None:
    with playing(lambda peer: peer.socket.sendall(frame(b""))) as peer:
        assert await peer.channel.greeting(5)
    with playing(lambda peer: peer.socket.sendall(frame(b"hello"))) as peer:
        assert not await peer.channel.greeting(5)
    with playing(lambda peer: None) as peer:
        assert not await peer.channel.greeting(0.05)


async def test_a_job_that_is_too_long_is_refused_unsent() -> None:
    with playing(lambda peer: None) as peer, pytest.raises(ValueError, match="at most"):
        await peer.channel.trade({"code": "x" * FRAME_LIMIT}, 1)


async def test_cancelling_and_closing_leave_nothing_watched() -> None:
    loop = asyncio.get_running_loop()
    with playing(Peer.job) as peer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await peer.channel.trade(JOB, 60)
        ours = peer.channel._peer
        assert not loop.remove_reader(ours) and not loop.remove_writer(ours)
        peer.channel.close()
        peer.channel.close()
        assert not any(loop.remove_reader(read) for read, _ in peer.pipes)
