"""The HTTP server of `remote`: hands jobs to the workers of a local backend.

It knows neither code nor tests: a client names a worker, or none for a fresh one, and gives it a
job; limits are the server's. Workers belong to whoever knows their name, which cannot be guessed.
A client that goes away during a job takes its worker with it; one that never comes back loses its
worker after a while.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from .backend import Exchange, UnavailableError, Worker
from .connection import Connection
from .limits import Limits
from .messages import BODY_LIMIT, About, Ask, Ended, Refusal, Told

WORKERS = 64
"""Workers that are given to clients at once, at most."""
WAIT = 10.0
"""Seconds that a job waits for a worker when all are taken."""
IDLE = 600.0
"""Seconds after which a worker that nobody asks is ended."""


class Refused(Exception):  # noqa: N818
    """A request that is answered by an HTTP status and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(slots=True)
class Lent:
    """A worker that a client may ask again."""

    worker: Worker
    used: float
    """When it was last asked, by the monotonic clock."""
    busy: bool = False


class Server:
    """The routes, and the workers that clients have.

    Args:
        take: gives a fresh worker.
        backend: the name of what isolates them.
        limits: what they are held to.
        token: what clients must show.
    """

    def __init__(
        self, take: Callable[[], Awaitable[Worker]], backend: str, limits: Limits, token: str
    ) -> None:
        self._take = take
        self._about = About(backend=backend, limits=asdict(limits))
        self._seconds = limits.seconds
        self._token = token
        self._lent: dict[str, Lent] = {}
        self._places = asyncio.Semaphore(WORKERS)

    def application(self) -> Starlette:
        """The routes as an ASGI application."""
        application = Starlette(
            routes=[
                Route("/sandbox", self._tell),
                Route("/jobs", self._job, methods=["POST"]),
                Route("/workers/{name}", self._end, methods=["DELETE"]),
            ],
            exception_handlers={
                Refused: _refuse,
                HTTPException: _refuse,
                ClientDisconnect: _refuse,
            },
            lifespan=self._alive,
        )
        application.router.redirect_slashes = False  # it would answer before the token is asked
        return application

    @asynccontextmanager
    async def _alive(self, application: Starlette) -> AsyncIterator[None]:
        tidying = asyncio.create_task(self._tidy())
        yield
        tidying.cancel()
        for name in list(self._lent):
            await self._close(name)

    async def _tell(self, request: Request) -> Response:
        self._check(request)
        return _answer(self._about)

    async def _job(self, request: Request) -> Response:
        self._check(request)
        try:
            ask = Ask.model_validate_json(await _body(request))
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)[0]
            raise Refused(400, f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from error
        if ask.seconds > self._seconds:
            raise Refused(400, f"a job of {ask.seconds:g} s: at most {self._seconds:g} s here")
        name = ask.worker or await self._lend()
        lent = self._lent.get(name)
        if lent is None:
            raise Refused(404, "there is no such worker: it ended, or was idle too long")
        if lent.busy:
            raise Refused(409, "the worker has a job: one at a time")
        lent.busy = True
        try:
            exchange = await _while_connected(
                request, lent.worker.ask(ask.job, ask.seconds, ask.last)
            )
        except BaseException as error:
            await self._close(name)
            if isinstance(error, (ValueError, UnavailableError)):
                raise Refused(400 if isinstance(error, ValueError) else 503, str(error)) from error
            raise
        lent.busy, lent.used = False, time.monotonic()
        if exchange.end is not None:
            await self._close(name)
        return _answer(Told.of(exchange, name if exchange.end is None else None))

    async def _end(self, request: Request) -> Response:
        self._check(request)
        return _answer(Ended(ended=await self._close(request.path_params["name"])))

    async def _lend(self) -> str:
        """The name of a fresh worker."""
        try:
            async with asyncio.timeout(WAIT):
                await self._places.acquire()
        except TimeoutError as error:
            raise Refused(503, f"all {WORKERS} workers are taken: close sessions") from error
        try:
            worker = await self._take()
        except BaseException as error:
            self._places.release()
            if isinstance(error, UnavailableError):
                raise Refused(503, str(error)) from error
            raise
        name = secrets.token_hex(16)
        self._lent[name] = Lent(worker, time.monotonic())
        return name

    async def _close(self, name: str) -> bool:
        """End a worker; whether there was one to end."""
        lent = self._lent.pop(name, None)
        if lent is None:
            return False
        self._places.release()
        await lent.worker.close()
        return True

    async def _tidy(self) -> None:
        """End, for ever, the workers that nobody asks any more."""
        while True:
            await asyncio.sleep(IDLE / 10)
            for name, lent in list(self._lent.items()):
                if not lent.busy and time.monotonic() - lent.used > IDLE:
                    await self._close(name)

    def _check(self, request: Request) -> None:
        if _has_two_lengths(request):
            raise Refused(400, "give Content-Length or Transfer-Encoding, not both")
        shown = request.headers.get("authorization", "")
        if not secrets.compare_digest(shown.encode(), f"Bearer {self._token}".encode()):
            raise Refused(401, "show the server's token: Authorization: Bearer TOKEN")


async def serve(server: Server, listening: socket.socket) -> None:
    """Answer on a bound socket until the process is told to stop (SIGINT, SIGTERM)."""
    config = uvicorn.Config(
        server.application(), http=Connection, ws="none", log_level="warning", access_log=False
    )
    await uvicorn.Server(config).serve(sockets=[listening])


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_LIMIT:
            raise Refused(413, f"a body has at most {BODY_LIMIT} bytes")
    return bytes(data)


async def _while_connected(request: Request, work: Coroutine[Any, Any, Exchange]) -> Exchange:
    """What `work` comes to, unless the client goes away; then it is cancelled."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())
    both: set[asyncio.Future[Any]] = {working, gone}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in both:
            task.cancel()
        await asyncio.wait(both)


def _has_two_lengths(request: Request) -> bool:
    """Whether a proxy might see another end of the request than this server does."""
    return "content-length" in request.headers and "transfer-encoding" in request.headers


def _answer(message: BaseModel, status: int = 200) -> Response:
    return Response(message.model_dump_json(), status, media_type="application/json")


async def _refuse(request: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        answer = _answer(Refusal(error=str(error)), error.status)
        if _has_two_lengths(request):
            answer.headers["connection"] = "close"
        return answer
    if isinstance(error, HTTPException):
        return _answer(Refusal(error=error.detail), error.status_code)
    return Response(status_code=499)  # nobody is there to read it
