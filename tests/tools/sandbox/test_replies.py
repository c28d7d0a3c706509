"""Replies of workers: one of a known shape is believed, everything else is not."""

from __future__ import annotations

import asyncio
import json
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
    return asyncio.run(ask(Worker(reply, end), "test", {"kind": "run"}, 1.0))


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
