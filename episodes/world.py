"""What a team sees of an environment: observations, and a world that takes actions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Observation:
    """What a world shows after `reset` or `step`."""

    text: str
    """What the agent reads."""
    admissible: tuple[str, ...] = ()
    """Actions that are possible now, in the world's own order; empty where it cannot say."""
    reward: float = 0.0
    """Reward of this step, in [0, 1] at the end of a task."""
    done: bool = False
    """True when the task has ended, by success, by failure or by the world's own limit."""
    info: dict[str, Any] = field(default_factory=dict)
    """Further facts for scorers and reports (never for prompts). JSON values only. `valid` is False
    where the world could make nothing of the action, `stop` says why it is done."""

    def __post_init__(self) -> None:
        """Engines answer in numpy's numbers: make them Python's.

        Raises:
            ValueError: the reward is not a finite number.
        """
        object.__setattr__(self, "reward", float(self.reward))
        object.__setattr__(self, "done", bool(self.done))
        if not math.isfinite(self.reward):
            raise ValueError(f"a reward is a finite number, not {self.reward}")


@runtime_checkable
class World(Protocol):
    """One running copy of an environment, set to one task. Async, so that many run at once."""

    @property
    def instructions(self) -> str:
        """The action grammar, told to the agent once; empty where the task says it all."""

    async def reset(self) -> Observation:
        """Set the task up (again) and return the first observation."""

    async def step(self, action: str) -> Observation:
        """Take one action. An impossible action is an observation, never an exception."""


@runtime_checkable
class SnapshotWorld(World, Protocol):
    """A world that can be copied and returned to: what a tree search wants."""

    async def snapshot(self) -> Any:
        """The state of the world, for `restore`.

        Raises:
            NotImplementedError: this world cannot be copied.
        """

    async def restore(self, snapshot: Any) -> Observation:
        """Return to a snapshot of the same task, and the observation that held then."""


def snapshots(world: World) -> SnapshotWorld:
    """`world` as one that can be copied.

    Raises:
        NotImplementedError: it cannot.
    """
    if not isinstance(world, SnapshotWorld):
        raise NotImplementedError(f"{type(world).__name__} cannot take snapshots")
    return world
