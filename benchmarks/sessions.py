"""Many worlds at once: sessions of an environment, in this process or in a pool of workers.

Fast environments live here. Those that ask for it (`Environment.worker_processes`) live in
persistent worker processes, each holding many worlds and stepping one at a time, so that the number
of concurrent episodes and the number of processes are chosen apart.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pickle
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from ..episodes import Observation, Task, World
from .environment import Environment, TaskError

HEADER = struct.Struct(">Q")
"""Length of the pickle that follows, in bytes."""


class WorkerDiedError(RuntimeError):
    """A worker process ended while worlds lived in it. The next session gets a fresh one."""


class Sessions:
    """An async context manager that lends worlds of one environment.

    Args:
        environment: the template; each session works on a fork of it.
        workers: worker processes, if the environment wants them; by default one per core.

    Raises:
        ValueError: `workers` is not positive, or is set for an environment that lives in process.
    """

    def __init__(self, environment: Environment, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers={workers}: at least one is needed")
        if workers is not None and not environment.worker_processes:
            raise ValueError(f"{environment.name} runs in this process: leave `workers` out")
        self.environment = environment
        count = workers or (os.cpu_count() or 1)
        self._workers = [_Worker(environment) for _ in range(count)]

    @asynccontextmanager
    async def world(self, task: Task) -> AsyncIterator[World]:
        """A world set to `task`, closed at the end."""
        if not self.environment.worker_processes:
            with self.environment.fork() as own:
                yield _InProcess(own, task)
            return
        worker = min(self._workers, key=lambda w: w.sessions)
        worker.sessions += 1
        world = _Remote(worker, task)
        try:
            yield world
        finally:
            worker.sessions -= 1
            await world.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await asyncio.gather(*(worker.stop() for worker in self._workers))


class _InProcess:
    """A world of an environment in this process."""

    def __init__(self, environment: Environment, task: Task) -> None:
        self.environment = environment
        self.task = task
        self.instructions = environment.instructions

    async def reset(self) -> Observation:
        return self.environment.reset(self.task)

    async def step(self, action: str) -> Observation:
        return self.environment.step(action)


class _Remote:
    """A world in a worker process."""

    _ids = itertools.count()

    def __init__(self, worker: _Worker, task: Task) -> None:
        self.worker = worker
        self.task = task
        self.instructions = worker.environment.instructions
        self.id = next(self._ids)
        self.process: asyncio.subprocess.Process | None = None

    async def reset(self) -> Observation:
        self.process = await self.worker.started()
        seen: Observation = await self._ask("reset", self.task)
        return seen

    async def step(self, action: str) -> Observation:
        seen: Observation = await self._ask("step", action)
        return seen

    async def close(self) -> None:
        if self.process is not None and self.process is self.worker.process:
            await self._ask("close", None)

    async def _ask(self, verb: str, value: Any) -> Any:
        if self.process is None or self.process is not self.worker.process:
            raise WorkerDiedError(f"the worker of {self.task.id} has died")
        return await self.worker.ask((self.id, verb, value))


class _Worker:
    """One worker process, started at first use and again after a death."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.sessions = 0
        self.process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._requests = itertools.count()
        self._starting = asyncio.Lock()

    async def started(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self.process is None:
                self.process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "symposia.benchmarks.worker",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
                self._reader = asyncio.create_task(self._read(self.process))
                self._send(self.environment)
        return self.process

    async def ask(self, request: Any) -> Any:
        number = next(self._requests)
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._send((number, *request))
        return await future

    def _send(self, value: Any) -> None:
        assert self.process is not None and self.process.stdin is not None
        body = pickle.dumps(value)
        self.process.stdin.write(HEADER.pack(len(body)) + body)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                (length,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
                body = await process.stdout.readexactly(length)
                number, result, error = pickle.loads(body)
                future = self._waiting.pop(number)
                if future.done():
                    continue
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(_error(*error))
        except asyncio.IncompleteReadError:
            self.process = None
            code = await process.wait()
            died = WorkerDiedError(f"an environment worker ended with exit code {code}")
            waiting, self._waiting = self._waiting, {}
            for future in waiting.values():
                if not future.done():
                    future.set_exception(died)

    async def stop(self) -> None:
        if self.process is not None and self._reader is not None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            await self._reader


def _error(kind: str, text: str) -> Exception:
    return TaskError(text) if kind == "TaskError" else RuntimeError(f"{kind}: {text}")
