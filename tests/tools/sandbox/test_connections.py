"""Connections to the sandbox server: strangers hold none, and read no more than a refusal."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

pytest.importorskip("uvicorn", reason='needs pip install "symposia[sandbox-server]"')

from symposia.tools.sandbox import Limits, UnavailableError
from symposia.tools.sandbox.server import Server, serve

pytestmark = pytest.mark.asyncio
TOKEN = "a token of the tests"
ASK = f"GET /sandbox HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """That of a server with little patience."""
    monkeypatch.setattr("symposia.tools.sandbox.connection.PATIENCE", 0.2)
    monkeypatch.setattr("symposia.tools.sandbox.connection.CONNECTIONS", 5)

    async def take() -> None:
        raise UnavailableError("no workers here")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(take, "test", Limits(), TOKEN)  # type: ignore[arg-type]
        serving = asyncio.create_task(serve(server, listening))
        yield listening.getsockname()[1]
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


async def said(port: int, *parts: str) -> str:
    """What the server answers to parts of a request until it closes, or for a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        async with asyncio.timeout(1):
            for part in parts:
                writer.write(part.encode())
                await asyncio.sleep(0.05)
            while data := await reader.read(1000):
                answer += data
    except TimeoutError:
        answer += b"(open)"
    finally:
        writer.close()
    return answer.decode()


@pytest.mark.parametrize(
    "parts",
    [
        (),
        ("GET /sandbox HTTP/1.1\r\nHost",),
        ("POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", "{"),
        (f"{ASK}\r\n", "GET /sand"),
    ],
    ids=["nothing", "half a header", "half a body without a token", "half a second request"],
)
async def test_who_asks_nothing_is_not_waited_for(port: int, parts: tuple[str, ...]) -> None:
    assert not (await said(port, *parts)).endswith("(open)")


async def test_who_asks_again_and_again_is_kept(port: int) -> None:
    asked = await said(port, *[f"{ASK}\r\n"] * 12)
    assert asked.count("HTTP/1.1 200") == 12


async def test_there_are_no_more_connections_than_a_number(port: int) -> None:
    async with asyncio.timeout(5):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        reader, late = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), 0.15) == b""
        for _, writer in (*held, (reader, late)):
            writer.close()


async def test_a_request_with_two_lengths_is_refused_and_the_connection_closed(port: int) -> None:
    lengths = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = await said(port, ASK.replace("GET /sandbox", "POST /jobs") + lengths)
    assert answer.startswith("HTTP/1.1 400") and "not both" in answer
    assert "connection: close" in answer


async def test_no_path_is_answered_with_another_place(port: int) -> None:
    answer = await said(port, "GET /sandbox/ HTTP/1.1\r\nHost: elsewhere\r\n\r\n")
    assert answer.startswith("HTTP/1.1 404") and "elsewhere" not in answer
