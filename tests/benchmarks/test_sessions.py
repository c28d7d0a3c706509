from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from worlds import Counter, Fragile, RemoteCounter

from symposia.benchmarks import Sessions, TaskError, WorkerDiedError
from symposia.benchmarks import sessions as sessions_module
from symposia.episodes import Task

TASK = Task("counter:0", "count")


async def walk(sessions: Sessions) -> list[str]:
    async with sessions.world(TASK) as world:
        texts = [(await world.reset()).text]
        for _ in range(2):
            texts.append((await world.step("up")).text)
            await asyncio.sleep(0)
        return texts


@pytest.mark.parametrize("kind", [Counter, RemoteCounter])
async def test_many_worlds_do_not_disturb_each_other(kind: type[Counter]) -> None:
    async with Sessions(kind()) as sessions:
        walks = await asyncio.gather(*(walk(sessions) for _ in range(9)))
    assert walks == [["Count to 2.", "You are at 1.", "You are at 2."]] * 9


@pytest.mark.parametrize("kind", [Counter, RemoteCounter])
async def test_a_broken_task_is_its_own_error(kind: type[Counter]) -> None:
    async with Sessions(kind()) as sessions:
        async with sessions.world(Task("counter:broken", "x")) as world:
            with pytest.raises(TaskError, match="broken"):
                await world.reset()
        assert await walk(sessions)


async def test_a_worker_that_dies_fails_its_worlds_and_is_replaced() -> None:
    async with Sessions(RemoteCounter(), workers=1) as sessions:
        async with sessions.world(TASK) as world:
            await world.reset()
            with pytest.raises(WorkerDiedError, match="exit code 3"):
                await world.step("crash")
            with pytest.raises(WorkerDiedError):
                await world.step("up")
        assert (await walk(sessions))[-1] == "You are at 2."


def test_settings_that_cannot_take_effect_are_refused() -> None:
    with pytest.raises(ValueError, match="workers=0"):
        Sessions(RemoteCounter(), workers=0)
    with pytest.raises(ValueError, match="leave `workers` out"):
        Sessions(Counter(), workers=2)


async def test_a_hung_step_that_nobody_waits_for_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions_module, "GRACE", 0.3)
    began = time.monotonic()
    async with Sessions(Fragile(), workers=1) as sessions:
        async with sessions.world(TASK) as world, sessions.world(TASK) as neighbour:
            await world.reset()
            await neighbour.reset()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await world.step("hang")
            with pytest.raises(WorkerDiedError, match="said nothing"):
                await neighbour.step("up")
        assert (await walk(sessions))[-1] == "You are at 2."
    assert time.monotonic() - began < 30


async def test_a_run_that_is_interrupted_kills_a_busy_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions_module, "GRACE", 0.3)
    began = time.monotonic()

    async def run() -> None:
        async with Sessions(Fragile(), workers=1) as sessions, sessions.world(TASK) as world:
            await world.reset()
            await world.step("hang")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run(), timeout=5)
    assert time.monotonic() - began < 30


BUSY = """
import asyncio, os, signal, sys
sys.path.insert(0, {folder!r})
from symposia.benchmarks import Sessions
from symposia.episodes import Task
from worlds import Fragile

TASK = Task("counter:0", "count")

async def main():
    async with Sessions(Fragile(), workers=1) as sessions, sessions.world(TASK) as w:
        await w.reset()
        asyncio.ensure_future(w.step("hang"))
        await asyncio.sleep(0.5)
        print("playing", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_a_busy_worker_ends_when_its_parent_is_killed() -> None:
    script = BUSY.format(folder=str(Path(__file__).parents[1]))
    parent = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE)
    assert parent.stderr is not None
    began = time.monotonic()
    with parent.stderr as inherited:
        inherited.read()  # a pipe ends when nobody holds it: neither the parent nor its worker
    assert parent.wait() == -signal.SIGKILL
    assert time.monotonic() - began < 30, "the worker sleeps for 60 seconds"


async def test_what_cannot_cross_between_processes_is_an_error_of_its_episode() -> None:
    async with Sessions(Fragile(), workers=1) as sessions, sessions.world(TASK) as world:
        await world.reset()
        with pytest.raises(RuntimeError, match="pickle"):
            await world.step("lock")
        assert (await world.step("up")).text == "You are at 1."
    keyed = RemoteCounter()
    keyed.lock = threading.Lock()  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="remote-counter asks for worker processes but cannot"):
        Sessions(keyed)


@pytest.mark.parametrize("kind", [Counter, RemoteCounter])
async def test_a_world_ends_at_the_step_limit_of_its_environment(kind: type[Counter]) -> None:
    environment = kind(goal=9)
    environment.max_steps = 2
    async with Sessions(environment) as sessions, sessions.world(TASK) as world:
        for _ in range(2):
            await world.reset()
            assert not (await world.step("up")).done
            last = await world.step("up")
            assert (last.done, last.info["stop"]) == (True, "step limit")


async def test_a_busy_worker_is_not_taken_for_a_hung_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "GRACE", 0.6)
    environment = RemoteCounter(goal=9, delay=0.2)
    async with Sessions(environment, workers=1) as sessions, AsyncExitStack() as stack:
        worlds = [await stack.enter_async_context(sessions.world(TASK)) for _ in range(8)]
        for world in worlds:
            await world.reset()
        steps = [asyncio.ensure_future(world.step("up")) for world in worlds]
        await asyncio.sleep(0.1)
        steps[-1].cancel()
        answers = await asyncio.gather(*steps[:-1])
    assert [seen.text for seen in answers] == ["You are at 1."] * 7
