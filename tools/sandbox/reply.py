"""What a worker answered, read fail-closed, and the `Result` that comes of it.

A reply comes from a process that ran code nobody trusts. It is one JSON object of a known shape
with the nonce of the job, or it is nothing: there is no half-believed reply. Everybody's event loop
waits while it is read, so what would take long to read is refused unread. How the worker ended,
what it printed and what it used are the sandbox's own measurements.
"""

from __future__ import annotations

import json
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .backend import End, Exchange, UnavailableError, Worker
from .files import FILES, NAME, incoming
from .result import Result, Status, mistake

PARTS = 500_000
"""Commas, brackets, braces and backslashes of a reply, at most: what makes reading it slow."""
MEMBERS = 1_000
"""Members of one object in it, at most."""
DIGITS = 9
"""Characters of a number in it, at most."""

Text = Annotated[str, Field(max_length=200_000)]
Short = Annotated[str, Field(max_length=500)]
Line = Annotated[int, Field(ge=0, le=10_000_000)]
Lines = Annotated[list[Line], Field(max_length=100_000, fail_fast=True)]


class Reply(BaseModel):
    """A worker's answer to one job; `inside/jobs.py` says what the fields mean."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    nonce: str
    status: Literal["ok", "error", "exit", "memory"]
    value: Text | None = None
    error_type: Short | None = None
    bases: Annotated[list[Short], Field(max_length=1_000, fail_fast=True)] = []
    error: Text = ""
    traceback: Text = ""
    line: Line | None = None
    exit_code: Annotated[int, Field(ge=0, le=255)] | None = None
    names: Annotated[list[Short], Field(max_length=10_000, fail_fast=True)] = []
    executable: Lines = []
    executed: Lines = []
    files: Annotated[dict[str, str], Field(max_length=FILES)] = {}
    left_out: Annotated[
        list[Annotated[str, Field(max_length=NAME)]], Field(max_length=FILES, fail_fast=True)
    ] = []


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one job."""

    result: Result
    reply: Reply | None
    """What the worker said; None where it said nothing that can be believed."""
    alive: bool
    """Whether the worker may be asked again."""


async def ask(
    worker: Worker,
    backend: str,
    job: Mapping[str, Any],
    seconds: float,
    *,
    last: bool = False,
    seal: str = "",
) -> Answer:
    """Give a worker a job and read what it answers.

    Args:
        worker: who is asked.
        backend: the name that the result carries.
        job: what `Kernel.perform` takes, but for the nonce.
        seconds: wall-clock time of the job.
        last: the worker is killed after its reply.
        seal: what an earlier job gave to the kernel, to be added to the nonce of this one.
    """
    nonce = secrets.token_hex(16)
    try:
        exchange = await worker.ask({**job, "nonce": nonce}, seconds, last)
    except UnavailableError as error:
        return Answer(unavailable(backend, error), None, alive=False)
    if exchange.reply is None or exchange.end not in (None, End.CLOSED):
        return Answer(_ended(exchange, backend, seconds), None, alive=False)
    try:
        reply = Reply.model_validate(_read(exchange.reply))
        if not secrets.compare_digest(reply.nonce.encode(), (nonce + seal).encode()):
            raise ValueError("it has another job's nonce")
        files = incoming(reply.files, job.get("collect", ()))
    except (ValueError, RecursionError) as error:
        reason = f"the worker's reply cannot be believed: {_reason(error)}"
        return Answer(_measured(exchange, backend, Status.PROTOCOL, reason), None, alive=False)
    status = Status(reply.status)
    result = _measured(
        exchange,
        backend,
        status,
        reply.error,
        value=reply.value,
        error_type=reply.error_type,
        mistake=mistake(status, reply.bases),
        traceback=reply.traceback,
        line=reply.line,
        exit_code=reply.exit_code,
        files=files,
        left_out=tuple(reply.left_out),
    )
    return Answer(result, reply, alive=exchange.end is None)


def unavailable(backend: str, error: UnavailableError) -> Result:
    """The result of a job that no worker could be had for."""
    status = Status.UNAVAILABLE
    return Result(status, backend, error=str(error), mistake=mistake(status))


def _ended(exchange: Exchange, backend: str, seconds: float) -> Result:
    """The result of a job whose worker ended before it answered."""
    name = None if exchange.signal is None else _signal(exchange.signal)
    status, reason = {
        End.EXIT: (Status.EXIT, f"the process left with code {exchange.exit_code}"),
        End.SIGNAL: (Status.KILLED, f"{name} ended the process"),
        End.TIMEOUT: (
            Status.TIMEOUT,
            f"it took longer than {seconds:g} s, or its CPU time",
        ),
        End.MEMORY: (Status.MEMORY, "its processes together held more memory than they may"),
        End.OUTPUT: (Status.OUTPUT, "it printed more than it may"),
        End.PROTOCOL: (Status.PROTOCOL, "the worker sent what is not one reply to one job"),
        End.LOST: (Status.UNAVAILABLE, "the isolation ended under the worker"),
        End.CLOSED: (Status.ENDED, "the worker had been closed"),
        None: (Status.PROTOCOL, "the worker sent no reply"),
    }[exchange.end]
    return _measured(
        exchange,
        backend,
        status,
        reason,
        mistake=mistake(status),
        exit_code=exchange.exit_code if status is Status.EXIT else None,
        signal=name if status is Status.KILLED else None,
    )


def _measured(exchange: Exchange, backend: str, status: Status, error: str, **said: Any) -> Result:
    """A result with what the sandbox measured itself."""
    return Result(
        status,
        backend,
        stdout=exchange.stdout.decode("utf-8", "backslashreplace"),
        stderr=exchange.stderr.decode("utf-8", "backslashreplace"),
        truncated=exchange.truncated,
        error=error,
        seconds=exchange.seconds,
        cpu_seconds=exchange.cpu_seconds,
        peak_memory=exchange.peak_memory,
        **{"mistake": mistake(status), **said},
    )


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _read(reply: bytes) -> Any:
    """The JSON of a reply, where it can be read at once.

    Raises:
        ValueError: it is no JSON in UTF-8, or has too many parts, a key twice, or a number that
            no reply has.
        RecursionError: it is nested too deep.
    """
    parts = len(reply) - len(reply.translate(None, b",[{\\"))
    if parts > PARTS:
        raise ValueError(f"it has {parts} parts: at most {PARTS}")
    return _DECODER.decode(reply.decode())


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs) if len(pairs) <= MEMBERS else {}
    if len(members) < len(pairs):
        raise ValueError("an object has a key twice, or too many")
    return members


def _number(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"a number has more than {DIGITS} digits")
    return int(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_int=_number, parse_float=_number)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        wrong = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}"[:500]
    return str(error)[:500]
