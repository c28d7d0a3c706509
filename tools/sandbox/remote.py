"""`remote`: workers on another machine, behind the HTTP server of `symposia sandbox serve`.

The server isolates; this is its client. A run costs one request. A server that is not reached, is
too slow, refuses, or speaks what is not the protocol makes results with the status `unavailable`,
and nothing of what it said is believed. The token is a password: use HTTPS, or a tunnel, on any
network that is not yours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from .backend import End, Exchange, UnavailableError
from .limits import Limits
from .messages import BODY_LIMIT, SLACK, About, Ask, Ended, Refusal, Told
from .unsafe import NAME as UNSAFE

if TYPE_CHECKING:
    import httpx2

M = TypeVar("M", bound=BaseModel)

CONNECTING = 10.0
"""Seconds that reaching the server may take."""
TOKEN = "SYMPOSIA_SANDBOX_TOKEN"
"""The environment variable that holds the token, where none is given."""


class Remote:
    """The client of one server; see the module.

    Args:
        url: where the server is, for example `http://127.0.0.1:8321`.
        token: the server's bearer token.
        limits: what the server must hold its tenants to; None takes the server's own.
        allow_unsafe: whether a server that does not isolate will do.
    """

    def __init__(
        self, url: str, token: str, limits: Limits | None = None, allow_unsafe: bool = False
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url={url!r}: it must start with http:// or https://")
        self.url = url.rstrip("/")
        self.name = "remote"
        self.limits = limits or Limits()
        self._wanted = limits
        self._allow_unsafe = allow_unsafe
        self._token = token
        self._client: httpx2.AsyncClient | None = None

    async def open(self) -> None:
        """Reach the server and see what it offers; results then name its backend.

        Raises:
            UnavailableError: it is not reached, does not take the token, does not isolate, or
                holds its tenants to other limits.
        """
        import httpx2

        self._client = httpx2.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self._token}"},
            limits=httpx2.Limits(max_connections=None),
        )
        try:
            about = await self.request("GET", "/sandbox", About, CONNECTING)
            if about.backend == UNSAFE and not self._allow_unsafe:
                raise UnavailableError(
                    f"{self.url} runs code without isolation ({UNSAFE}): "
                    "start the server with another backend, or set allow_unsafe=True"
                )
            try:
                offered = Limits(**about.limits)  # type: ignore[arg-type]
            except (TypeError, ValueError) as error:
                raise UnavailableError(f"{self.url} tells strange limits: {error}") from error
            if self._wanted is not None and offered != self._wanted:
                ours, theirs = asdict(self._wanted), asdict(offered)
                differing = [key for key in ours if ours[key] != theirs[key]]
                told = ", ".join(f"{key}={theirs[key]} (not {ours[key]})" for key in differing)
                raise UnavailableError(
                    f"{self.url} holds its tenants to {told}: leave limits out to take the "
                    "server's, or start it with yours"
                )
        except BaseException:
            await self.close()
            raise
        self.limits = offered
        self.name = f"remote:{about.backend}"

    async def worker(self) -> RemoteWorker:
        """A worker; the server makes it with its first job."""
        return RemoteWorker(self)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def request(
        self, method: str, path: str, kind: type[M], seconds: float, body: Ask | None = None
    ) -> M:
        """What the server answers, as a message of `kind`.

        Raises:
            UnavailableError: there is no answer that can be believed; the message says why.
        """
        import httpx2

        if self._client is None:
            raise UnavailableError(f"the client of {self.url} was not opened, or is closed")
        content = None if body is None else body.model_dump_json().encode()
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream(method, path, content=content, timeout=None) as response,
            ):
                data = bytearray()
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > BODY_LIMIT:
                        raise UnavailableError(f"{self.url} answers with too many bytes")
        except TimeoutError as error:
            raise UnavailableError(f"{self.url} did not answer in {seconds:g} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            reason = str(error) or type(error).__name__
            raise UnavailableError(f"{self.url} cannot be reached: {reason}") from error
        try:
            if response.status_code != 200:
                refusal = Refusal.model_validate_json(data).error
                raise UnavailableError(f"{self.url} refuses ({response.status_code}): {refusal}")
            return kind.model_validate_json(data)
        except ValidationError as error:
            raise UnavailableError(
                f"{self.url} does not speak as a sandbox does (HTTP {response.status_code}, "
                f"{len(data)} bytes): is it `symposia sandbox serve`, of the same version?"
            ) from error


class RemoteWorker:
    """A worker on the server, by its name there."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._name: str | None = None
        self._last: Exchange | None = None

    @property
    def alive(self) -> bool:
        """See `Worker.alive`."""
        return self._last is None

    async def ask(self, job: Mapping[str, object], seconds: float, last: bool = False) -> Exchange:
        """See `Worker.ask`.

        Raises:
            UnavailableError: the server gave no answer that can be believed.
        """
        if self._last is not None:
            return replace(self._last, reply=None, stdout=b"", stderr=b"", seconds=0.0)
        body = Ask(job=dict(job), seconds=seconds, last=last, worker=self._name)
        try:
            told = await self._remote.request("POST", "/jobs", Told, seconds + SLACK, body)
            exchange = told.exchange()
        except ValueError as error:
            await self.close()
            raise UnavailableError(f"{self._remote.url} sent what is not base64") from error
        except BaseException:
            await self.close()
            raise
        self._name = told.worker
        if exchange.end is not None:
            self._last = exchange
        return exchange

    async def close(self) -> None:
        """End it on the server; a server that is gone ends it by itself."""
        name, self._name = self._name, None
        self._last = self._last or Exchange(None, end=End.CLOSED)
        if name is not None:
            with suppress(UnavailableError):
                await self._remote.request("DELETE", f"/workers/{name}", Ended, CONNECTING)
