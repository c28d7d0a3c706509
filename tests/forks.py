"""A small world for searches: go left or right three times; some ends are worth something."""

from __future__ import annotations

from typing import Any, ClassVar

from langchain_core.messages import BaseMessage

from symposia.agents import ToolAgent
from symposia.benchmarks import Environment
from symposia.episodes import Observation, Task
from symposia.models import ScriptedModel

TASK = Task("fork:0", "Find the treasure.")


class Fork(Environment):
    """Worlds that cannot be copied: a search replays them."""

    name: ClassVar[str] = "fork"
    splits: ClassVar[tuple[str, ...]] = ("all",)
    instructions = "Say left or right."

    def __init__(self, worth: dict[str, float] | None = None, depth: int = 3) -> None:
        self.worth = {"lrl": 1.0} if worth is None else worth
        self.depth = depth
        self.path = ""

    def tasks(self, split: str) -> list[Task]:
        return [TASK]

    def reset(self, task: Task) -> Observation:
        self.path = ""
        return self.seen()

    def step(self, action: str) -> Observation:
        self.path += action[0]
        return self.seen()

    def seen(self) -> Observation:
        done = len(self.path) >= self.depth or self.path in self.worth
        reward = self.worth.get(self.path, 0.0)
        return Observation(f"You are at [{self.path}].", ("left", "right"), reward, done)


class CopiedFork(Fork):
    """The same, and it can be copied."""

    def snapshot(self) -> Any:
        return self.path

    def restore(self, snapshot: Any) -> Observation:
        self.path = snapshot
        return self.seen()


class RandomFork(Fork):
    """A world that does not repeat itself."""

    resets = 0

    def reset(self, task: Task) -> Observation:
        self.resets += 1
        return super().reset(task)

    def seen(self) -> Observation:
        seen = super().seen()
        return Observation(f"{seen.text} ({self.resets})", seen.admissible, seen.reward, seen.done)


def wanderer() -> ToolAgent:
    """Says left and right in turn."""
    said = [0]

    def say(messages: list[BaseMessage]) -> str:
        said[0] += 1
        return f"<action>{'left' if said[0] % 2 else 'right'}</action>"

    return ToolAgent(ScriptedModel(say))
