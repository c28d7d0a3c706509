"""`PythonSandbox`: run, test and converse with Python code that nobody trusts.

The sandbox chooses a way of isolation, keeps a few workers warm behind it, and turns whatever
happens into a typed result. Code, tests and cells run in a worker that had no tenant before and
has none after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from .backend import UnavailableError, Worker
from .backends import CHOICES, make_backend
from .files import outgoing
from .limits import Limits
from .pool import Pool
from .remote import Remote
from .reply import ask, unavailable
from .result import Result, TestReport
from .session import Session
from .tested import run_tests


class PythonSandbox:
    """Runs untrusted Python code: `async with PythonSandbox() as box: await box.run("6 * 7")`.

    Args:
        backend: how to isolate; None takes the first that works here of the kernel's own ways.
        limits: what a run, a test or a session may use at most.
        packages: packages of this interpreter that the code may import, besides the standard
            library.
        workers: how many are kept warm.
        allow_unsafe: whether `unsafe-subprocess`, which does not isolate, may be used.
        url: for `remote`: where the server is.
        token: for `remote`: the server's token; else the variable SYMPOSIA_SANDBOX_TOKEN.
        image: for `docker`: the image, with a Python from 3.11 on; else `python:3.12-slim`.

    Raises:
        ValueError: there is no such backend, or a setting that it does not have.
    """

    def __init__(
        self,
        backend: str | None = None,
        *,
        limits: Limits | None = None,
        packages: Sequence[str] = (),
        workers: int = 4,
        allow_unsafe: bool = False,
        url: str | None = None,
        token: str | None = None,
        image: str | None = None,
    ) -> None:
        self._candidates = [
            make_backend(
                name,
                limits=limits,
                packages=packages,
                allow_unsafe=allow_unsafe,
                url=url,
                token=token,
                image=image,
            )
            for name in ([backend] if backend else CHOICES)
        ]
        self.limits = limits or Limits()
        self._workers = workers
        self._pool: Pool | None = None

    @property
    def backend(self) -> str:
        """The name of what isolates: the one that results carry."""
        return self._opened.backend.name

    async def open(self) -> None:
        """Find a backend that works here and begin to make workers.

        Raises:
            UnavailableError: none works; the message says why and what to do.
        """
        reasons = []
        for candidate in self._candidates:
            pool = Pool(candidate, self._workers)
            try:
                await pool.open()
            except UnavailableError as error:
                reasons.append(f"{candidate.name}: {error}")
                continue
            self._pool = pool
            if isinstance(candidate, Remote):
                self.limits = candidate.limits
            return
        raise UnavailableError(
            "no way to isolate code works here\n" + "\n".join(reasons or ["none was tried"])
        )

    async def close(self) -> None:
        """Kill every worker and free everything. May be called twice."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def __aenter__(self) -> Self:
        await self.open()
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
        """Run a script; whatever it does, the answer is a `Result`.

        Args:
            code: the script. The result's value is that of its last line where that is an
                expression; `await` works outside functions.
            files: written into the work folder first, by their path in it.
            collect: globs of files to bring back from the work folder.
            timeout: seconds of wall-clock time; else those of the limits.

        Raises:
            ValueError: a file's name leads out of the work folder, there is too much, or the
                timeout is no positive number.
        """
        job = {"kind": "run", "code": code, "name": "main.py", **outgoing(files or {}, collect)}
        limits = self.limits if timeout is None else replace(self.limits, seconds=timeout)
        try:
            worker = await self.take()
        except UnavailableError as error:
            return unavailable(self.backend, error)
        try:
            return (await ask(worker, self.backend, job, limits.seconds, last=True)).result
        finally:
            await worker.close()

    def run_sync(self, code: str, **options: Any) -> Result:
        """`run` for code that is not async, in a sandbox opened for this one call."""

        async def once() -> Result:
            async with self:
                return await self.run(code, **options)

        return asyncio.run(once())

    def session(self) -> Session:
        """A notebook-like kernel: `async with box.session() as session`."""
        return Session(self.take, self.backend, self.limits)

    async def run_tests(
        self,
        code: str,
        tests: str | Sequence[str],
        *,
        entry_point: str | None = None,
        files: Mapping[str, bytes | str] | None = None,
        coverage: bool = False,
        timeout: float | None = None,
    ) -> TestReport:
        """Test a piece of code; each test runs in a worker of its own.

        Args:
            code: the code under test, loaded anew for each test as the module `solution`. The
                tests see its names as after `from solution import *`.
            tests: snippets such as `"assert add(1, 2) == 3"`, each a test; or, with `entry_point`,
                a program that defines `check(candidate)`, as HumanEval has it; or a module whose
                functions and methods named `test...`, taking no arguments, are the tests.
            entry_point: the name of the function under test. Where it is given, no other name of
                the code can hide a built-in from the tests.
            files: written into the work folder before the code is loaded.
            coverage: count the lines of `code` that ran.
            timeout: seconds for loading the code, and again for the test; else those of the
                limits.

        Raises:
            ValueError: `entry_point` is no name, a file's name leads out of the work folder, or
                the timeout is no positive number.
        """
        return await run_tests(
            self.take,
            self.backend,
            self.limits,
            code,
            tests,
            entry_point=entry_point,
            files=files,
            coverage=coverage,
            timeout=timeout,
        )

    async def take(self) -> Worker:
        """A fresh worker, for who knows what to ask of it.

        Raises:
            UnavailableError: none could be made.
        """
        return await self._opened.take()

    @property
    def _opened(self) -> Pool:
        if self._pool is None:
            raise RuntimeError("open the sandbox first: async with PythonSandbox() as box")
        return self._pool
