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
from dataclasses import replace
from typing import Any, Self

from ..episodes import Observation, Task, World, snapshots
from .environment import Environment, TaskError

HEADER = struct.Struct(">Q")
"""Length of the pickle that follows, in bytes."""
GRACE = 5.0
"""Seconds that a worker has to finish what nobody waits for any more; then it is killed."""


class WorkerDiedError(RuntimeError):
    """A worker process ended while worlds lived in it. The next session gets a fresh one."""


class Sessions:
    """An async context manager that lends worlds of one environment.

    A world ends by itself after the environment's `max_steps`.

    Args:
        environment: the template; each session works on a fork of it.
        workers: worker processes, if the environment wants them; by default one per core.

    Raises:
        ValueError: `workers` is not positive, or is set for an environment that lives in process;
            or an environment for worker processes cannot be pickled.
    """

    def __init__(self, environment: Environment, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers={workers}: at least one is needed")
        if workers is not None and not environment.worker_processes:
            raise ValueError(f"{environment.name} runs in this process: leave `workers` out")
        self.environment = environment
        self._workers: list[_Worker] = []
        if environment.worker_processes:
            template = _pickled(environment)
            self._workers = [_Worker(template) for _ in range(workers or os.cpu_count() or 1)]

    @asynccontextmanager
    async def world(self, task: Task) -> AsyncIterator[World]:
        """A world set to `task`, closed at the end."""
        if not self.environment.worker_processes:
            with self.environment.fork() as own:
                yield _Limited(_InProcess(own, task), own.max_steps)
            return
        worker = min(self._workers, key=lambda w: w.sessions)
        world = _Remote(worker, task, self.environment.instructions_for(task))
        worker.sessions += 1
        try:
            yield _Limited(world, self.environment.max_steps)
        finally:
            worker.sessions -= 1
            world.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await asyncio.gather(*(worker.stop() for worker in self._workers))


class _Limited:
    """A world that is done after so many steps, as every environment promises."""

    def __init__(self, world: World, max_steps: int) -> None:
        self.world = world
        self.max_steps = max_steps
        self.steps = 0

    @property
    def instructions(self) -> str:
        return self.world.instructions

    async def reset(self) -> Observation:
        self.steps = 0
        return await self.world.reset()

    async def step(self, action: str) -> Observation:
        seen = await self.world.step(action)
        self.steps += 1
        return self._ended(seen)

    async def snapshot(self) -> tuple[int, Any]:
        return self.steps, await snapshots(self.world).snapshot()

    async def restore(self, snapshot: tuple[int, Any]) -> Observation:
        self.steps, inner = snapshot
        return self._ended(await snapshots(self.world).restore(inner))

    def _ended(self, seen: Observation) -> Observation:
        if self.steps >= self.max_steps and not seen.done:
            return replace(seen, done=True, info={**seen.info, "stop": "step limit"})
        return seen


class _InProcess:
    """A world of an environment in this process."""

    def __init__(self, environment: Environment, task: Task) -> None:
        self.environment = environment
        self.task = task
        self.instructions = environment.instructions_for(task)

    async def reset(self) -> Observation:
        return self.environment.reset(self.task)

    async def step(self, action: str) -> Observation:
        return self.environment.step(action)

    async def snapshot(self) -> Any:
        return self.environment.snapshot()

    async def restore(self, snapshot: Any) -> Observation:
        return self.environment.restore(snapshot)


class _Remote:
    """A world in a worker process."""

    _ids = itertools.count()

    def __init__(self, worker: _Worker, task: Task, instructions: str) -> None:
        self.worker = worker
        self.task = task
        self.instructions = instructions
        self.id = next(self._ids)
        self.process: _Process | None = None

    async def reset(self) -> Observation:
        if self.process is None:
            self.process = await self.worker.started()
        seen: Observation = await self.process.ask(self.id, "reset", self.task)
        return seen

    async def step(self, action: str) -> Observation:
        seen: Observation = await self._asked("step", action)
        return seen

    async def snapshot(self) -> Any:
        return await self._asked("snapshot", None)

    async def restore(self, snapshot: Any) -> Observation:
        seen: Observation = await self._asked("restore", snapshot)
        return seen

    async def _asked(self, verb: str, value: Any) -> Any:
        if self.process is None:
            raise RuntimeError(f"a world takes no {verb} before its reset")
        return await self.process.ask(self.id, verb, value)

    def close(self) -> None:
        if self.process is not None:
            self.process.tell(self.id, "close", None)


class _Worker:
    """A place for a worker process, started at first use and again when it has died or hangs."""

    def __init__(self, template: bytes) -> None:
        self.template = template
        self.sessions = 0
        self._processes: list[_Process] = []
        """One that answers, and those that hang and will be killed."""
        self._starting = asyncio.Lock()

    async def started(self) -> _Process:
        async with self._starting:
            self._processes = [p for p in self._processes if not p.ended]
            for process in self._processes:
                if not (process.death or process.abandoned):
                    return process
            self._processes.append(await _Process.start(self.template))
            return self._processes[-1]

    async def stop(self) -> None:
        await asyncio.gather(*(process.stop() for process in self._processes))


class _Process:
    """A running worker process, and the requests that it has not answered yet."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.death = ""
        """How it died; empty while it lives."""
        self.abandoned = 0
        """Unanswered requests whose askers were cancelled."""
        self._process = process
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._requests = itertools.count()
        self._heard = asyncio.get_running_loop().time()
        self._reader = asyncio.create_task(self._read())

    @property
    def ended(self) -> bool:
        """True when the process is gone and everyone who waited has been told."""
        return self._reader.done()

    @classmethod
    async def start(cls, template: bytes) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # what lies in the current folder must not stand for the library's modules
            "-m",
            "symposia.benchmarks.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
        )
        started = cls(process)
        started._write(template)
        return started

    def tell(self, *request: Any) -> asyncio.Future[Any]:
        """Send a request; the future holds its answer, for those who care."""
        future = asyncio.get_running_loop().create_future()
        if self.death:
            _fail(future, WorkerDiedError(self.death))
            return future
        number = next(self._requests)
        self._waiting[number] = future
        self._write(pickle.dumps((number, *request)))
        return future

    async def ask(self, *request: Any) -> Any:
        """The answer to a request. One that is given up may hang: the worker then has `GRACE`.

        Raises:
            WorkerDiedError: the process has ended.
        """
        future = self.tell(*request)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self.abandoned += 1
            future.add_done_callback(self._answered_after_all)
            asyncio.get_running_loop().call_later(GRACE, self._kill_unless, future)
            raise

    def _answered_after_all(self, future: asyncio.Future[Any]) -> None:
        self.abandoned -= 1

    def _kill_unless(self, future: asyncio.Future[Any]) -> None:
        """Kill the process if it has answered nothing for `GRACE` and still owes this answer."""
        if future.done():
            return
        loop = asyncio.get_running_loop()
        left = self._heard + GRACE - loop.time()
        if left > 0:
            loop.call_later(left, self._kill_unless, future)
        else:
            self._kill(f"an environment worker was killed: it said nothing for {GRACE:g} s")

    def _kill(self, why: str) -> None:
        if self._process.returncode is None:
            self.death = self.death or why
            self._process.kill()

    async def stop(self) -> None:
        """End the process, by force if it is busy."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        _, busy = await asyncio.wait({self._reader}, timeout=GRACE)
        if busy:
            self._kill("the run is over")
            await self._reader

    def _write(self, body: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(HEADER.pack(len(body)) + body)

    async def _read(self) -> None:
        """Hand out answers until the process ends, whatever ends it."""
        assert self._process.stdout is not None
        try:
            while True:
                (length,) = HEADER.unpack(await self._process.stdout.readexactly(HEADER.size))
                number, result, error = pickle.loads(await self._process.stdout.readexactly(length))
                self._heard = asyncio.get_running_loop().time()
                future = self._waiting.pop(number)
                if error is None:
                    future.set_result(result)
                else:
                    _fail(future, _error(*error))
        except asyncio.IncompleteReadError:
            pass
        except Exception as broken:  # a broken engine may break its answers too
            self._kill(f"an environment worker gave an unreadable answer: {broken}")
        self.death = self.death or "an environment worker has ended"
        died = f"{self.death} (exit code {await self._process.wait()})"
        for future in self._waiting.values():
            _fail(future, WorkerDiedError(died))
        self._waiting.clear()


def _pickled(environment: Environment) -> bytes:
    if type(environment).__module__ == "__main__":
        raise ValueError(
            f"{environment.name} asks for worker processes, which cannot import a class from the "
            "script that runs: put it into a module"
        )
    try:
        return pickle.dumps(environment)
    except Exception as error:  # __getstate__ and friends may raise anything
        raise ValueError(
            f"{environment.name} asks for worker processes but cannot be pickled: {error}"
        ) from error


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    """End `future` with `error`, which nobody has to read."""
    future.set_exception(error)
    future.exception()


def _error(kind: str, text: str) -> Exception:
    known = {error.__name__: error for error in (TaskError, NotImplementedError)}
    return known[kind](text) if kind in known else RuntimeError(f"{kind}: {text}")
