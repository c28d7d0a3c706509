"""Code that is run piece by piece in one process, as in a notebook: what a cell defines, stays.

A session is one worker for as long as it lives, and no other session ever sees it. A cell that
raises, or calls `sys.exit`, leaves the session open; one that takes too long, runs out of memory,
prints too much or ends the process ends the session with it, and every later cell says so without
being run. What a cell leaves running is held to the same memory and output between cells; of CPU
time, each process has its own limit and all together none, so close a session that is not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from .backend import Worker
from .files import outgoing
from .limits import Limits
from .reply import ask
from .result import Mistake, Result, Status


class Session:
    """A notebook-like kernel: `async with box.session() as session: await session.run("x = 1")`.

    Args:
        take: gives a fresh worker.
        backend: the name that results carry.
        limits: those of the worker.
    """

    def __init__(self, take: Callable[[], Awaitable[Worker]], backend: str, limits: Limits) -> None:
        self._take = take
        self._backend = backend
        self._limits = limits
        self._worker: Worker | None = None
        self._cells = 0
        self._turn = asyncio.Lock()
        self.ended = ""
        """Why no cell can be run any more; empty while one can."""

    async def __aenter__(self) -> Self:
        self._worker = await self._take()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def run(
        self,
        code: str,
        *,
        files: Mapping[str, bytes | str] | None = None,
        collect: Sequence[str] = (),
        timeout: float | None = None,
    ) -> Result:
        """Run a cell in the names of those before it; `await` works outside functions too.

        Cells run one after the other, also when they are given at once.

        Args:
            code: the cell. Its value is that of its last line where that is an expression.
            files: written into the work folder first, by their path in it.
            collect: globs of files to bring back from the work folder.
            timeout: seconds for this cell; else those of the sandbox's limits.

        Raises:
            ValueError: a file's name leads out of the work folder, there is too much, or the
                timeout is no positive number.
            RuntimeError: the session was not entered.
        """
        job = outgoing(files or {}, collect)
        limits = self._limits if timeout is None else replace(self._limits, seconds=timeout)
        async with self._turn:
            if self._worker is None:
                raise RuntimeError("enter the session first: async with box.session() as session")
            if self.ended:
                return Result(Status.ENDED, self._backend, error=self.ended, mistake=Mistake.ENDED)
            self._cells += 1
            name = f"<cell {self._cells}>"
            try:
                answer = await ask(
                    self._worker,
                    self._backend,
                    {"kind": "cell", "code": code, "name": name, **job},
                    limits.seconds,
                )
            except BaseException:
                await self._end(f"the session ended when {name} was broken off")
                raise
            if not answer.alive or answer.result.status is Status.MEMORY:
                await self._end(
                    f"the session ended with {name} ({answer.result.status}): "
                    "open a new one; nothing of its state is left"
                )
            return answer.result

    async def close(self) -> None:
        """End the session; its process and all that it started are killed. May be called twice."""
        if self._worker is not None and not self.ended:
            await self._end("the session was closed")

    async def _end(self, reason: str) -> None:
        self.ended = reason
        if self._worker is not None:
            await self._worker.close()
