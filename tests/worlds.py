"""Small environments that several tests share."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from symposia.benchmarks import Environment, TaskError
from symposia.episodes import Observation, Task


class Counter(Environment):
    """Say `up` often enough; `crash` ends the process, `slow` takes a while."""

    name: ClassVar[str] = "counter"
    splits: ClassVar[tuple[str, ...]] = ("all",)
    instructions = "Say up."

    def __init__(self, episodes: int = 4, goal: int = 2, delay: float = 0.0) -> None:
        self.episodes = episodes
        self.goal = goal
        self.delay = delay
        self.at = 0

    @property
    def options(self) -> dict[str, Any]:
        return {"episodes": self.episodes, "goal": self.goal}

    def tasks(self, split: str) -> list[Task]:
        if split not in self.splits:
            raise ValueError(f"unknown split {split!r}; there are: {', '.join(self.splits)}")
        kinds = ("even", "odd")
        return [
            Task(
                f"counter:{i}", f"count to {self.goal}", kind=kinds[i % 2], reference="secret gold"
            )
            for i in range(self.episodes)
        ]

    def reset(self, task: Task) -> Observation:
        if task.id == "counter:broken":
            raise TaskError("/games/broken.json: not JSON")
        self.at = 0
        return Observation(f"Count to {self.goal}.", ("up", "down"))

    def step(self, action: str) -> Observation:
        time.sleep(self.delay)
        if action == "crash":
            os._exit(3)
        if action == "raise":
            raise RuntimeError("the engine broke")
        self.at += action == "up"
        done = self.at >= self.goal
        return Observation(f"You are at {self.at}.", ("up", "down"), float(done), done)


class RemoteCounter(Counter):
    """The same in worker processes."""

    name: ClassVar[str] = "remote-counter"
    worker_processes: ClassVar[bool] = True


class Quiz(Environment):
    """One question, one answer."""

    name: ClassVar[str] = "quiz"
    splits: ClassVar[tuple[str, ...]] = ("all",)
    max_steps = 1

    def tasks(self, split: str) -> list[Task]:
        return [Task("quiz:0", "What is 2 + 2?", reference="4")]

    def reset(self, task: Task) -> Observation:
        self.gold = task.reference
        return Observation(task.prompt)

    def step(self, action: str) -> Observation:
        return Observation("", reward=float(action == self.gold), done=True)


class Fragile(RemoteCounter):
    """Everything that can go wrong beside the game."""

    name: ClassVar[str] = "fragile"

    def step(self, action: str) -> Observation:
        if action == "hang":
            time.sleep(60)
        if action == "lock":
            return Observation("locked", info={"lock": threading.Lock()})
        return super().step(action)

    def close(self) -> None:
        raise RuntimeError("the engine does not close")


class FragileHere(Fragile):
    """The same in this process."""

    name: ClassVar[str] = "fragile-here"
    worker_processes: ClassVar[bool] = False


class Broken(Counter):
    """No task of it can be set up."""

    def tasks(self, split: str) -> list[Task]:
        return [Task("counter:broken", "count")]


class Tagged(Counter):
    """A text that the user chose, in all its names."""

    def __init__(self, tag: str = "x", data: Path | None = None) -> None:
        super().__init__(episodes=1)
        self.name = f"tagged {tag}"  # type: ignore[misc]
        self.tag = tag
        self.data = data

    @property
    def options(self) -> dict[str, Any]:
        return {"tag": self.tag, "data": self.data}

    def tasks(self, split: str) -> list[Task]:
        return [Task("tagged:0", "count", kind=self.tag)]

    def reset(self, task: Task) -> Observation:
        super().reset(task)
        return Observation(f"Count {self.tag}.", ("up", "down"))
