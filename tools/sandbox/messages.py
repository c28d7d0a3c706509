"""What a remote sandbox and its client say to each other, as JSON over HTTP.

`GET /sandbox` tells what stands there (`About`). `POST /jobs` gives a worker a job (`Ask`) and
answers what came of it (`Told`); without a worker's name a fresh one takes it. `DELETE
/workers/NAME` ends one. Both sides read what comes fail-closed.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from .backend import FRAME_LIMIT, End, Exchange

BODY_LIMIT = 2 * FRAME_LIMIT
"""Bytes of the longest body, either way."""
SLACK = 30.0
"""Seconds on top of a job's own that a client waits for the answer."""

Seconds = Annotated[FiniteFloat, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class About(Message):
    """What a server offers."""

    backend: Annotated[str, Field(max_length=100)]
    """What isolates its workers."""
    limits: dict[str, int | float]
    """The fields of `Limits` that its workers are held to."""


class Ask(Message):
    """One job."""

    job: dict[str, Any]
    seconds: Annotated[FiniteFloat, Field(gt=0)]
    """Wall-clock time, at most that of the server's limits."""
    last: bool = False
    worker: str | None = None
    """Who takes it; None for a fresh worker."""


class Told(Message):
    """What came of a job: an `Exchange`, bytes in base64."""

    worker: str | None
    """The worker's name for the next job; None where it is no more."""
    reply: str | None
    stdout: str
    stderr: str
    truncated: bool
    seconds: Seconds
    end: End | None
    exit_code: int | None
    signal: int | None
    cpu_seconds: Seconds
    peak_memory: Count

    @classmethod
    def of(cls, exchange: Exchange, worker: str | None) -> Told:
        """The message for an exchange."""
        return cls(
            worker=worker,
            reply=None if exchange.reply is None else _packed(exchange.reply),
            stdout=_packed(exchange.stdout),
            stderr=_packed(exchange.stderr),
            truncated=exchange.truncated,
            seconds=exchange.seconds,
            end=exchange.end,
            exit_code=exchange.exit_code,
            signal=exchange.signal,
            cpu_seconds=exchange.cpu_seconds,
            peak_memory=exchange.peak_memory,
        )

    def exchange(self) -> Exchange:
        """The exchange that it tells of.

        Raises:
            ValueError: bytes are not in base64.
        """
        return Exchange(
            None if self.reply is None else _unpacked(self.reply),
            _unpacked(self.stdout),
            _unpacked(self.stderr),
            self.truncated,
            self.seconds,
            self.end,
            self.exit_code,
            self.signal,
            self.cpu_seconds,
            self.peak_memory,
        )


class Ended(Message):
    """The answer to the end of a worker."""

    ended: bool
    """Whether there was one to end."""


class Refusal(Message):
    """Why a server did not do it, with an HTTP status from 400 on."""

    error: Annotated[str, Field(max_length=10_000)]


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unpacked(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
