"""The way to one OpenAI-compatible server: connections, retries, deadline, circuit breaker.

Knows HTTP and nothing about chat. What goes wrong comes out as a `ServerError`.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, TypeVar

import httpx2
from pydantic import SecretStr

from .resilience import Breaker, DeadlineError, ServerError, patience

CONNECT_SECONDS = 10.0
"""For one attempt to connect."""
SHOWN = 300
"""Characters of a server's answer that an error shows, at most."""
HINTS = {
    401: "; give the server's key as api_key",
    403: "; give a key that may do this as api_key",
    404: "; check the base URL, which ends in /v1 for most servers",
}

T = TypeVar("T")


@dataclass(slots=True)
class _Lanes:
    """The connections of one event loop."""

    places: asyncio.Semaphore
    free: list[httpx2.AsyncClient] = field(default_factory=list)
    """Those that no call uses; the one used last goes out first."""


class Server:
    """One server, for any number of callers and event loops.

    Args:
        url: where its routes begin, for most servers `http://HOST:PORT/v1`.
        api_key: sent as a bearer token; never shown.
        retries: further tries after a transient error.
        connections: open at once, at most; further calls wait for a free one.
    """

    def __init__(
        self, url: str, api_key: SecretStr | None = None, retries: int = 4, connections: int = 512
    ) -> None:
        self.url = url
        self.retries = retries
        self.connections = connections
        self.breaker = Breaker(url)
        self._api_key = api_key
        self._lanes: dict[asyncio.AbstractEventLoop, _Lanes] = {}
        self._background: asyncio.AbstractEventLoop | None = None
        self._start = threading.Lock()

    async def post(self, path: str, body: dict[str, Any], seconds: float) -> bytes:
        """The answer to `body`, within `seconds`, all tries together.

        Raises:
            ServerError: there is no usable answer; the message says why.
        """
        until = asyncio.get_running_loop().time() + seconds
        with self.breaker.guard():
            async with self._deadline(path, seconds, until):
                return await patience(self.retries, seconds)(self._post, path, body)

    async def once(self, path: str, body: dict[str, Any], seconds: float) -> bytes:
        """`post` without a second try, for what must not happen twice."""
        async with self._deadline(path, seconds, asyncio.get_running_loop().time() + seconds):
            return await self._post(path, body)

    async def events(
        self, path: str, body: dict[str, Any], seconds: float
    ) -> AsyncGenerator[str, None]:
        """The data of each server-sent event up to `[DONE]`, within `seconds`.

        Tries again only before the first event.

        Raises:
            ServerError: there is no usable answer, or it breaks off; the message says why.
        """
        until = asyncio.get_running_loop().time() + seconds
        with self.breaker.guard():
            async with AsyncExitStack() as stack:
                async with self._deadline(path, seconds, until):
                    client = await stack.enter_async_context(self._lane())
                    response: httpx2.Response = await patience(self.retries, seconds)(
                        self._open, client, path, body
                    )
                stack.push_async_callback(response.aclose)
                events = aiter(httpx2.EventSource(response, max_event_size=None))
                while True:
                    async with self._deadline(path, seconds, until):
                        with self._plain_errors(path):
                            event = await anext(events, None)
                    if event is None or event.data == "[DONE]":
                        return
                    yield event.data

    def blocking(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for `work` in synchronous code; a thread of its own keeps the connections."""
        with self._start:
            if self._background is None:
                self._background = asyncio.new_event_loop()
                threading.Thread(
                    target=self._background.run_forever, name="server", daemon=True
                ).start()
        future = asyncio.run_coroutine_threadsafe(work, self._background)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def aclose(self) -> None:
        """Close the connections that the running event loop has opened."""
        lanes = self._lanes.pop(asyncio.get_running_loop(), None)
        for client in lanes.free if lanes else ():
            await client.aclose()

    async def _post(self, path: str, body: dict[str, Any]) -> bytes:
        async with self._lane() as client:
            with self._plain_errors(path):
                response = await client.post(self.url + path, json=body)
        self._check(response, path)
        return response.content

    async def _open(
        self, client: httpx2.AsyncClient, path: str, body: dict[str, Any]
    ) -> httpx2.Response:
        with self._plain_errors(path):
            request = client.build_request("POST", self.url + path, json=body)
            response = await client.send(request, stream=True)
            if not response.is_success:
                await response.aread()
                await response.aclose()
        self._check(response, path)
        return response

    @asynccontextmanager
    async def _lane(self) -> AsyncIterator[httpx2.AsyncClient]:
        """A client with one connection, for one call at a time: a client with many looks at each
        of them for every call, which at 500 costs more than all the rest."""
        loop = asyncio.get_running_loop()  # connections cannot move between event loops
        lanes = self._lanes.get(loop)
        if lanes is None:
            for other in [known for known in self._lanes if known.is_closed()]:
                del self._lanes[other]
            lanes = self._lanes[loop] = _Lanes(asyncio.Semaphore(self.connections))
        async with lanes.places:
            client = lanes.free.pop() if lanes.free else self._client()
            try:
                yield client
            finally:
                lanes.free.append(client)

    def _client(self) -> httpx2.AsyncClient:
        key = self._api_key and self._api_key.get_secret_value()
        return httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=1),
            verify=self._certificates,
        )

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        return httpx2.create_ssl_context()

    def _check(self, response: httpx2.Response, path: str) -> None:
        if response.is_success:
            return
        status = response.status_code
        known = status == 404 and '"error"' in response.text  # it is the model that is not found
        hint = "" if known else HINTS.get(status, "")
        raise ServerError(
            f"{self.url}{path} answered {status}: {_said(response)}{hint}",
            status=status,
            transient=status in (408, 429) or status >= 500,
            retry_after=_retry_after(response),
        )

    @contextmanager
    def _plain_errors(self, path: str) -> Iterator[None]:
        try:
            yield
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ServerError(
                f"cannot reach {self.url} ({str(error) or 'no answer'}): is the server running? "
                "`symposia serve MODEL` starts one",
                transient=True,
            ) from error
        except httpx2.RequestError as error:
            raise ServerError(
                f"{self.url}{path} broke off: {str(error) or type(error).__name__}",
                transient=isinstance(error, httpx2.TransportError)
                and not isinstance(error, httpx2.SSEError),
            ) from error

    @asynccontextmanager
    async def _deadline(self, path: str, seconds: float, until: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(until):
                yield
        except TimeoutError as error:
            raise DeadlineError(
                f"{self.url}{path} gave no whole answer in {seconds:g} s: the server is too slow "
                "or too busy; raise `timeout`, or ask less at once",
                transient=True,
            ) from error


def _said(response: httpx2.Response) -> str:
    """What a server says of an error, in JSON or in HTML."""
    try:
        said = response.json()
        for name in ("error", "message", "detail"):
            said = said.get(name, said) if isinstance(said, dict) else said
        text = said if isinstance(said, str) else json.dumps(said)
    except ValueError:
        text = re.sub(r"<[^>]*>", " ", response.text)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def _retry_after(response: httpx2.Response) -> float:
    """Seconds that the server asks to wait: a number or a date; 0 where it does not."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
