from __future__ import annotations

import asyncio

import pytest
from worlds import Counter, RemoteCounter

from symposia.benchmarks import Sessions, TaskError, WorkerDiedError
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
