"""A stand-in for vLLM's OpenAI-compatible server: its routes and field names, and its faults.

Answers are words with ids, drawn from the request's seed. Faults are queued in `faults`, one for
each chat request; `edit` changes answers. Run as a program it serves until it is killed:

    python tests/stub_server.py --words 20 --pause 0.2
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

VOCABULARY = 1000
Json = dict[str, Any]


@dataclass
class Refusal:
    """An answer that is not a completion."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


HANG = "hang"
"""Take the request and never answer."""
DROP = "drop"
"""Close the connection in the middle of the answer."""


@dataclass
class StubServer:
    words: int = 4
    """Tokens of an answer."""
    pause: float = 0.0
    """Seconds before each token of a stream, and before a whole answer as many times."""
    models: list[str] = field(default_factory=lambda: ["base"])
    lora: bool = True
    faults: deque[Refusal | str | None] = field(default_factory=deque)
    edit: Callable[[Json], Json] = lambda answer: answer
    barrier: asyncio.Barrier | None = None
    """Holds answers back until so many requests have come."""
    requests: list[Json] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0
    """Open now."""
    accepted: int = 0
    """Connections ever."""
    left: int = 0
    """Requests whose client went away before the answer."""
    url: str = ""

    async def __aenter__(self) -> StubServer:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def start(self, port: int = 0) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", port, backlog=2048, limit=2**24
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.accepted += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                path = head[0].split(" ")[1]
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                answer = asyncio.ensure_future(
                    self._route(writer, path, json.loads(body or "{}"), headers)
                )
                gone = asyncio.ensure_future(reader.read(1))
                await asyncio.wait([answer, gone], return_when=asyncio.FIRST_COMPLETED)
                if not answer.done():
                    self.left += 1
                    answer.cancel()
                if gone.done():
                    return
                gone.cancel()
                await asyncio.gather(gone, return_exceptions=True)
                if not await answer:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.connections -= 1
            writer.close()

    async def _route(
        self, writer: asyncio.StreamWriter, path: str, asked: Json, headers: dict[str, str]
    ) -> bool:
        """Answer; False closes the connection."""
        if path == "/health":
            return await self._send(writer, 200, "")
        if path == "/v1/chat/completions":
            self.requests.append(asked)
            self.headers.append(headers)
            return await self._chat(writer, asked)
        if self.lora and path in ("/v1/load_lora_adapter", "/v1/unload_lora_adapter"):
            self.requests.append(asked)
            return await self._adapter(writer, path, asked)
        return await self._send(writer, 404, '{"detail":"Not Found"}')

    async def _chat(self, writer: asyncio.StreamWriter, asked: Json) -> bool:
        fault = self.faults.popleft() if self.faults else None
        if self.barrier:
            await self.barrier.wait()
        if isinstance(fault, Refusal):
            return await self._send(writer, fault.status, fault.body, fault.headers)
        if fault == HANG:
            await asyncio.Event().wait()
        if asked["model"] not in self.models:
            return await self._error(
                writer, 404, f"The model `{asked['model']}` does not exist.", "NotFoundError"
            )
        answer = self.edit(self.answer(asked))
        if asked.get("stream"):
            return await self._stream(writer, asked, answer, fault == DROP)
        await asyncio.sleep(self.pause * self.words)
        body = json.dumps(answer)
        if fault == DROP:
            writer.write(_head(200, len(body), {}) + body[: len(body) // 2].encode())
            await writer.drain()
            return False
        return await self._send(writer, 200, body)

    def answer(self, asked: Json) -> Json:
        """A whole answer as vLLM 0.30 gives it."""
        words = min(self.words, asked.get("max_tokens", self.words))
        ids = [(asked.get("seed", 0) + 7 * i) % VOCABULARY for i in range(words)]
        said = " ".join(str(m["content"]) for m in asked["messages"]).split()
        choice: Json = {
            "index": 0,
            "message": {"role": "assistant", "content": " ".join(f"w{i}" for i in ids)},
            "logprobs": None,
            "finish_reason": "stop" if words == self.words else "length",
            "stop_reason": None,
            "token_ids": None,
        }
        answer: Json = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": asked["model"],
            "choices": [choice],
            "usage": {
                "prompt_tokens": len(said),
                "completion_tokens": words,
                "total_tokens": len(said) + words,
            },
            "prompt_logprobs": None,
            "prompt_token_ids": None,
            "kv_transfer_params": None,
        }
        if asked.get("logprobs"):
            choice["logprobs"] = {
                "content": [
                    {"token": f"w{i}", "logprob": -i / VOCABULARY, "bytes": [], "top_logprobs": []}
                    for i in ids
                ]
            }
        if asked.get("return_token_ids"):
            choice["token_ids"] = ids
            answer["prompt_token_ids"] = [len(word) for word in said]
        return answer

    async def _stream(
        self, writer: asyncio.StreamWriter, asked: Json, answer: Json, drop: bool
    ) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for number, event in enumerate(_events(answer)):
            if number and self.pause:
                await asyncio.sleep(self.pause)
            if drop and number == 2:
                await writer.drain()
                return False
            data = f"data: {json.dumps(event)}\n\n".encode()
            writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()
        return True

    async def _adapter(self, writer: asyncio.StreamWriter, path: str, asked: Json) -> bool:
        name = asked["lora_name"]
        if path.endswith("/unload_lora_adapter"):
            if name not in self.models:
                return await self._error(
                    writer, 404, f"The lora adapter '{name}' cannot be found.", "NotFoundError"
                )
            self.models.remove(name)
            return await self._send(writer, 200, f"Success: LoRA adapter '{name}' removed.")
        if name in self.models:
            return await self._error(
                writer,
                400,
                f"The lora adapter '{name}' has already been loaded.",
                "InvalidUserInput",
            )
        if "missing" in asked["lora_path"]:
            return await self._error(
                writer, 404, f"No adapter found for {asked['lora_path']}", "NotFoundError"
            )
        self.models.append(name)
        return await self._send(writer, 200, f"Success: LoRA adapter '{name}' added successfully.")

    async def _error(
        self, writer: asyncio.StreamWriter, status: int, message: str, kind: str
    ) -> bool:
        error = {"message": message, "type": kind, "param": None, "code": status}
        return await self._send(writer, status, json.dumps({"error": error}))

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        body: str,
        headers: dict[str, str] | None = None,
    ) -> bool:
        data = body.encode()
        writer.write(_head(status, len(data), headers or {}) + data)
        await writer.drain()
        return True


def _head(status: int, length: int, headers: dict[str, str]) -> bytes:
    lines = {"Content-Type": "application/json", "Content-Length": str(length), **headers}
    listed = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{listed}\r\n".encode()


def _events(answer: Json) -> list[Json]:
    """The events of a streamed answer: prompt ids in the first only, usage in the last only."""
    same = {name: answer[name] for name in ("id", "created", "model")}
    same["object"] = "chat.completion.chunk"
    choice = answer["choices"][0]
    message = choice["message"]
    pieces: list[Json] = [{"content": word} for word in _split(message["content"] or "")]
    entries = (choice["logprobs"] or {}).get("content") or []
    first = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    events = [
        {**same, "choices": [first], "prompt_token_ids": answer["prompt_token_ids"]},
        *(
            {**same, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            for delta in _halves(message.get("reasoning"))
        ),
    ]
    ids = choice["token_ids"]
    for i, delta in enumerate(pieces):
        part: Json = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        last = i == len(pieces) - 1
        if entries:
            part["logprobs"] = {"content": entries[i:] if last else entries[i : i + 1]}
        if ids is not None:
            part["token_ids"] = ids[i:] if last else ids[i : i + 1]
        if last:
            part["finish_reason"] = choice["finish_reason"]
            part["stop_reason"] = choice["stop_reason"]
        events.append({**same, "choices": [part]})
    return [*events, {**same, "choices": [], "usage": answer["usage"]}]


def _halves(reasoning: str | None) -> list[Json]:
    """What the reasoning parser took out of the text, in two pieces."""
    if not reasoning:
        return []
    half = len(reasoning) // 2
    return [{"reasoning": reasoning[:half]}, {"reasoning": reasoning[half:]}]


def _split(text: str) -> list[str]:
    words = text.split(" ")
    return [words[0], *(f" {word}" for word in words[1:])]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--words", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds")
    options = parser.parse_args()
    server = StubServer(words=options.words, pause=options.pause)
    await server.start(options.port)
    print(server.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
