"""The port for environments: text worlds shaped like gymnasium's.

An environment is synchronous and holds one world at a time; the session pool (`sessions.py`) runs
many copies, in worker processes where the engine is not thread-safe.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

from ..episodes import Observation, Task


class TaskError(Exception):
    """A task cannot be set up (a corrupt game file, say). The run records it and goes on."""


class Environment(ABC):
    """A text world with tasks. Subclass it to bring your own; the CLI names it module:Class."""

    name: ClassVar[str]
    """What users type, for example `alfworld`."""
    splits: ClassVar[tuple[str, ...]]
    """The splits that `tasks` accepts."""
    instructions: str = ""
    """The action grammar, told to the agent once, before the first observation."""
    max_steps: int = 50
    """The usual step limit of the benchmark; runners may set another."""
    experts: ClassVar[tuple[str, ...]] = ()
    """Scripted experts, the usual one first. An environment that has some takes the option
    `expert=NAME` and then tells, as `info["expert_plan"]` of every observation, what the expert
    would do from there on: a list of actions, empty where it does not know."""
    worker_processes: ClassVar[bool] = False
    """True when worlds are slow enough to run in worker processes; the class is then importable
    there, and its instances can be pickled."""

    @property
    def options(self) -> dict[str, Any]:
        """The settings that decide what is played, for the manifest. JSON values only."""
        return {}

    @property
    def default_split(self) -> str:
        """The split to play when none is named."""
        return self.splits[0]

    @property
    def training_split(self) -> str:
        """The split to learn from when none is named."""
        return "train" if "train" in self.splits else self.default_split

    def require_split(self, split: str) -> None:
        """Make sure that `split` is one of `splits`.

        Raises:
            ValueError: it is not; the message lists those that exist.
        """
        if split not in self.splits:
            raise ValueError(f"{self.name} has no split {split!r}; it has {', '.join(self.splits)}")

    def require_expert(self, expert: str | None) -> None:
        """Make sure that `expert` is None or one of `experts`.

        Raises:
            ValueError: it is not; the message lists those that exist.
        """
        if expert not in (None, *self.experts):
            raise ValueError(f"expert={expert!r}: {self.name} has {', '.join(self.experts)}")

    def instructions_for(self, task: Task) -> str:
        """What the agent is told once, before the first observation of `task`."""
        return self.instructions

    @abstractmethod
    def tasks(self, split: str) -> Sequence[Task]:
        """The tasks of a split, in a stable order.

        Raises:
            ValueError: the split is unknown; the message lists those that exist.
        """

    @abstractmethod
    def reset(self, task: Task) -> Observation:
        """Set `task` up and return the first observation, which tells the agent the whole task.

        Raises:
            TaskError: the task cannot be set up; the message names the file or value.
        """

    @abstractmethod
    def step(self, action: str) -> Observation:
        """Take one action; an impossible one is answered by an observation, never an exception."""

    def snapshot(self) -> Any:
        """The state of the world as a picklable value for `restore`.

        Raises:
            NotImplementedError: this world cannot be copied.
        """
        raise NotImplementedError(f"{self.name} cannot take snapshots")

    def restore(self, snapshot: Any) -> Observation:
        """Return to a snapshot taken from the same task, and the observation that held then."""
        raise NotImplementedError(f"{self.name} cannot restore snapshots")

    def fork(self) -> Self:
        """A copy with a world of its own. Override it where data is only read and may be shared.

        Raises:
            TypeError: the environment holds something that cannot be copied.
        """
        try:
            return copy.deepcopy(self)
        except TypeError as error:
            raise TypeError(
                f"{self.name} cannot be copied for each episode ({error}): make what it holds in "
                "`reset`, or override `fork`"
            ) from error

    def close(self) -> None:  # noqa: B027 - most worlds hold nothing
        """Free what the world holds. Safe to call twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
