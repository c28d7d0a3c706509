"""Replies of workers: one of a known shape is believed, everything else is not."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.tools.sandbox import End, Exchange, Mistake, Status, UnavailableError
from symposia.tools.sandbox.reply import Answer, ask


class Worker:
    """Answers a job with what `reply` makes of its nonce."""

    def __init__(self, reply: Callable[[str], bytes | None], end: End | None = None) -> None:
        self._reply = reply
        self._end = end

    async def ask(self, job: Mapping[str, Any], seconds: float, last: bool = False) -> Exchange:
        return Exchange(self._reply(job["nonce"]), end=self._end, exit_code=1, signal=9)

    async def close(self) -> None:
        raise NotImplementedError


def answer(reply: Callable[[str], bytes | None], end: End | None = None) -> Answer:
    job = {"kind": "run", "collect": ["a", "b/*"]}
    return asyncio.run(ask(Worker(reply, end), "test", job, 1.0))


def said(**fields: object) -> Callable[[str], bytes]:
    return lambda nonce: json.dumps({"nonce": nonce, "status": "ok", **fields}).encode()


def test_a_reply_of_the_known_shape_is_believed() -> None:
    good = answer(said(value="1", files={"a": "YQ=="}))
    assert (good.result.status, good.result.value, good.alive) == (Status.OK, "1", True)
    assert good.result.files == {"a": b"a"}


@pytest.mark.parametrize(
    "fields",
    [
        {"nonce": "0" * 32},
        {"nonce": ""},
        {"nonce": None},
        {"nonce": "ü"},
        {"status": "passed"},
        {"status": None},
        {"extra": 1},
        {"value": 1},
        {"value": "x" * 1_000_000},
        {"line": "1"},
        {"exit_code": 256},
        {"exit_code": True},
        {"bases": ["x"] * 2000},
        {"files": {"../up": ""}},
        {"files": {"/etc/passwd": ""}},
        {"files": {"a": "no base64!"}},
        {"files": {"a": 1}},
        {"files": {"c": ""}},
        {"files": {"a/b": ""}},
        {"files": {"b/\ud800": ""}},
        {"files": {f"b/{number}": "" for number in range(1001)}},
        {"files": {"a": "AAAA" * (6 * 2**20)}},
        {"left_out": ["\udc80"]},
        {"left_out": ["x" * 1001]},
        {"line": -1},
        {"line": 10**8},
        {"line": 1.0},
        {"line": float("nan")},
        {"names": [1] * 100_000},
        {str(number): 1 for number in range(100_000)},
        {"files": ["a"]},
        {"executed": ["1"]},
        {"value": "\udc80"},
    ],
)
def test_a_reply_of_another_shape_is_not(fields: dict[str, object]) -> None:
    bad = answer(said(**fields))
    assert (bad.result.status, bad.result.mistake) == (Status.PROTOCOL, Mistake.PROTOCOL)
    assert (bad.reply, bad.alive, bad.result.value) == (None, False, None)
    assert "cannot be believed" in bad.result.error


@pytest.mark.parametrize(
    "reply",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"NaN", b"[" * 100_000, b"9" * 100_000, b'{"a":1}x'],
)
def test_what_is_no_json_object_is_not(reply: bytes) -> None:
    assert answer(lambda _: reply).result.status is Status.PROTOCOL


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_another_encoding_is_not(encoding: str) -> None:
    assert answer(lambda nonce: said()(nonce).decode().encode(encoding)).reply is None


def test_a_key_twice_is_not() -> None:
    twice = answer(lambda nonce: said(status="error")(nonce)[:-1] + b',"status":"ok"}')
    assert twice.result.status is Status.PROTOCOL


@pytest.mark.parametrize(
    "part", ["[]", "{}", "1.5", "9" * 4300, '""', '{"a":[]}', "[" * 900 + "]" * 900]
)
def test_what_takes_long_to_read_is_refused_soon(part: str) -> None:
    body = ",".join([part] * (24 * 2**20 // (len(part) + 1)))
    began = time.process_time()
    refused = answer(
        lambda nonce: f'{{"nonce":"{nonce}","status":"ok","executed":[{body}]}}'.encode()
    )
    assert refused.result.status is Status.PROTOCOL
    assert time.process_time() - began < 2  # making it is what takes most of it


async def test_the_longest_honest_reply_is_read() -> None:
    astral = "\N{GRINNING FACE}" * 100_000
    lines = list(range(1, 50_000))
    content = base64.b64encode(bytes(16 * 2**20)).decode()
    fields = {"value": astral, "executable": lines, "executed": lines, "files": {"a": content}}
    read = await ask(Worker(said(**fields)), "test", {"collect": ["a"]}, 1.0)
    assert read.result.value == astral


@given(st.binary(max_size=200))
def test_no_bytes_raise_or_pass(reply: bytes) -> None:
    assert answer(lambda _: reply).result.status is Status.PROTOCOL


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["status", "value", "line", "files", "names"]), json_values))
def test_no_fields_raise(fields: dict[str, object]) -> None:
    assert answer(said(**fields)).result.status in (Status.OK, Status.PROTOCOL)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (End.EXIT, Status.EXIT),
        (End.SIGNAL, Status.KILLED),
        (End.TIMEOUT, Status.TIMEOUT),
        (End.MEMORY, Status.MEMORY),
        (End.OUTPUT, Status.OUTPUT),
        (End.PROTOCOL, Status.PROTOCOL),
        (End.LOST, Status.UNAVAILABLE),
        (End.CLOSED, Status.ENDED),
        (None, Status.PROTOCOL),
    ],
)
def test_every_end_has_a_status(end: End | None, status: Status) -> None:
    ended = answer(lambda _: None, end)
    assert ended.result.status is status
    assert ended.result.mistake == Mistake(status)
    assert ended.result.error
    assert not ended.alive


def test_a_reply_counts_only_from_a_worker_that_had_not_ended() -> None:
    assert answer(said(), End.TIMEOUT).result.status is Status.TIMEOUT
    last = answer(said(), End.CLOSED)
    assert (last.result.status, last.alive) == (Status.OK, False)


def test_a_worker_that_cannot_be_asked_makes_a_result() -> None:
    class Gone(Worker):
        async def ask(self, *_: object, **__: object) -> Exchange:
            raise UnavailableError("the server is gone")

    gone = asyncio.run(ask(Gone(said()), "test", {}, 1.0))
    assert (gone.result.status, gone.result.error) == (Status.UNAVAILABLE, "the server is gone")
