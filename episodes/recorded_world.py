"""A world whose steps are recorded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from .recorder import Recorder
from .world import Observation, World, snapshots


@dataclass(slots=True)
class RecordedWorld:
    """A world whose steps are written to a recorder, and paid from its budget."""

    world: World
    recorder: Recorder
    last: Observation | None = None
    """What the world showed last."""

    @property
    def instructions(self) -> str:
        return self.world.instructions

    async def reset(self) -> Observation:
        began = time.perf_counter()
        self.last = seen = await self.world.reset()
        self.recorder.on_step(None, seen, time.perf_counter() - began)
        return seen

    async def step(self, action: str) -> Observation:
        self.recorder.ledger.start_tool_call(self.recorder.actor)
        return await self._taken(action)

    async def snapshot(self) -> Any:
        return await snapshots(self.world).snapshot()

    async def restore(self, snapshot: Any) -> Observation:
        """Return to a snapshot; the record has it as a reset."""
        began = time.perf_counter()
        self.last = seen = await snapshots(self.world).restore(snapshot)
        self.recorder.on_step(None, seen, time.perf_counter() - began)
        return seen

    async def submit(self, answer: str) -> Observation:
        """Take `answer` as the only action. It is free: a spent budget still gets its answer in."""
        await self.reset()
        return await self._taken(answer)

    async def _taken(self, action: str) -> Observation:
        began = time.perf_counter()
        self.last = seen = await self.world.step(action)
        self.recorder.on_step(action, seen, time.perf_counter() - began)
        return seen
