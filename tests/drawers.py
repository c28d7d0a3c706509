"""A world for training tests: one move in the words of ALFWorld, which the bundled model knows."""

from __future__ import annotations

from typing import ClassVar

from symposia.benchmarks import Environment
from symposia.benchmarks.alfworld.environment import ALFWorld
from symposia.episodes import Observation, Task

ROOM = ", ".join(f"a drawer {number}" for number in range(1, 6))
RIGHT = ("go to drawer 3", "go to drawer 5")


class Drawers(Environment):
    """To go to drawer 3 or 5 solves the task, anything else fails it. The bundled model prefers
    drawer 4, and sometimes tries another."""

    name: ClassVar[str] = "drawers"
    splits: ClassVar[tuple[str, ...]] = ("all",)
    instructions = ALFWorld.instructions

    def __init__(self, tasks: int = 1) -> None:
        self.count = tasks

    def tasks(self, split: str) -> list[Task]:
        return [Task(f"drawers:{n}", "put a mug on the shelf 1.") for n in range(self.count)]

    def reset(self, task: Task) -> Observation:
        return Observation(
            "You are in the middle of a room. Looking quickly around you, you see "
            f"{ROOM}, and a drawer 6.\nYour task is to: {task.prompt}"
        )

    def step(self, action: str) -> Observation:
        return Observation("You arrive.", reward=float(action in RIGHT), done=True)
