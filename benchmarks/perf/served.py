"""Many calls at once to a served model: what does the client add to the server's own time?

The server is a stand-in in a process of its own: it takes a fixed time for a token, whoever asks.
Ideal is that time alone. Two bare clients do the same in the same run: one reads raw sockets and
parses nothing, which shows what server and machine cost; the other is a single httpx2 client,
which parses JSON. Each client has opened its connections before.

    python benchmarks/perf/served.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from symposia.models.served import ServedChatModel

STUB = Path(__file__).parents[2] / "tests" / "stub_server.py"
Call = Callable[[int], Awaitable[int]]
"""Makes the call of a number; gives the tokens that came."""


def body(number: int, streamed: bool) -> dict[str, object]:
    return {
        "model": "base",
        "messages": [{"role": "user", "content": f"call {number}"}],
        "seed": number,
        "return_token_ids": True,
        "logprobs": True,
        **({"stream": True, "stream_options": {"include_usage": True}} if streamed else {}),
    }


class Sockets:
    """Raw sockets; nothing is parsed."""

    def __init__(self, url: str, streamed: bool) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.streamed = streamed
        self.open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def call(self, number: int) -> int:
        if self.open:
            reader, writer = self.open.pop()
        else:
            reader, writer = await asyncio.open_connection(self.host, self.port)
        data = json.dumps(body(number, self.streamed)).encode()
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: stub\r\nContent-Length: %d\r\n\r\n%b"
            % (len(data), data)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if self.streamed:
            said = await reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            said = await reader.readexactly(
                int(head.lower().split(b"content-length: ")[1].split()[0])
            )
        self.open.append((reader, writer))
        return said.count(b'"token":')


class Plain:
    """One httpx2 client, as one would write it."""

    def __init__(self, url: str, streamed: bool, calls: int) -> None:
        self.url = url + "/chat/completions"
        self.streamed = streamed
        limits = httpx2.Limits(max_connections=calls, max_keepalive_connections=calls)
        self.client = httpx2.AsyncClient(timeout=None, limits=limits)

    async def call(self, number: int) -> int:
        asked = body(number, self.streamed)
        if not self.streamed:
            answer = (await self.client.post(self.url, json=asked)).json()
            return len(answer["choices"][0]["token_ids"])
        count = 0
        async with self.client.stream("POST", self.url, json=asked) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    event = json.loads(line[6:])
                    count += sum(len(c.get("token_ids") or ()) for c in event["choices"])
        return count


class Ours:
    """The chat model."""

    def __init__(self, url: str, streamed: bool, calls: int) -> None:
        self.model = ServedChatModel(base_url=url, model="base", connections=calls)
        self.streamed = streamed

    async def call(self, number: int) -> int:
        if not self.streamed:
            reply = await self.model.ainvoke(f"call {number}")
            return len(reply.response_metadata["tokens"]["completion_ids"])
        async for chunk in self.model.astream(f"call {number}"):
            last = chunk
        return len(last.response_metadata["tokens"]["completion_ids"])


async def measured(call: Call, calls: int, tokens: int) -> dict[str, float]:
    """Seconds and CPU of one round, and how many calls did not bring all of their tokens."""
    began, cpu = time.perf_counter(), time.process_time()
    came = await asyncio.gather(*map(call, range(calls)), return_exceptions=True)
    return {
        "seconds": time.perf_counter() - began,
        "cpu_ms_per_call": (time.process_time() - cpu) / calls * 1e3,
        "errors": sum(count != tokens for count in came),
    }


async def compare(options: argparse.Namespace, streamed: bool) -> dict[str, dict[str, float]]:
    settings = ["--words", str(options.words), "--pause", str(options.pause)]
    command = [sys.executable, str(STUB), *settings]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stub:
        assert stub.stdout is not None
        url = stub.stdout.readline().strip()
        clients: dict[str, Call] = {
            "sockets": Sockets(url, streamed).call,
            "httpx2": Plain(url, streamed, options.calls).call,
            "symposia": Ours(url, streamed, options.calls).call,
        }
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in clients}
        try:
            for name, call in clients.items():
                await measured(call, options.calls, options.words)
                for _ in range(options.rounds):
                    rounds[name].append(await measured(call, options.calls, options.words))
        finally:
            stub.kill()
    return {
        name: {key: statistics.median(r[key] for r in held) for key in held[0]}
        for name, held in rounds.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500, help="at once")
    parser.add_argument("--words", type=int, default=20, help="tokens of a reply")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds a token")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {}
    for kind in ("whole", "streamed"):
        streamed = kind == "streamed"
        ideal = (options.words + streamed) * options.pause
        results[kind] = {
            name: {**found, "over_ideal": found["seconds"] / ideal}
            for name, found in asyncio.run(compare(options, streamed)).items()
        }
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for kind, clients in results.items():
        for name, found in clients.items():
            print(
                f"{options.calls} {kind} replies, {name:8}: {found['seconds']:6.2f} s, "
                f"{found['over_ideal']:.3f} of the server's own time; "
                f"{found['cpu_ms_per_call']:6.2f} ms CPU a call; {found['errors']:.0f} errors"
            )


if __name__ == "__main__":
    main()
