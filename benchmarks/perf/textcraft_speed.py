"""How fast TextCraft is, and whether it answers as the authors' code does.

On generated goals, or on the official ones with `--data`. With a checkout of the authors' code
(github.com/archiki/ADaPT) both take the same seeded actions in the same run, sensible and senseless
ones, and answers, rewards and inventories are compared. Their code reads recipes in the order in
which a disk lists them, so for it the files are listed in the order that is used here.

    python benchmarks/perf/textcraft_speed.py [--data FOLDER [--official CHECKOUT]] [--json]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import random
import sys
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from types import ModuleType
from typing import Any
from unittest import mock

from symposia.benchmarks.textcraft import TextCraft
from symposia.episodes import Observation, Task

EPISODES = 300
STEPS = 20


class Theirs:
    """The authors' environment, set to our goals."""

    def __init__(self, checkout: Path, data: Path) -> None:
        package = ModuleType("textcraft")
        package.__path__ = [str(checkout / "TextCraft")]
        sys.modules["textcraft"] = package
        sys.modules.setdefault("gymnasium", _gymnasium())
        folder = data.parent if data.name == "recipes" else data
        listed = os.listdir

        def in_order(path: str) -> list[str]:
            return sorted(listed(path), reverse=True)

        with mock.patch("os.listdir", in_order):
            self.world = importlib.import_module("textcraft.env").TextCraft(str(folder))

    def start(self, goal: str) -> None:
        """What their `reset` does, but for the listing, which also changes the recipes."""
        self.world.goal, self.world.inventory = goal, {}

    def step(self, action: str) -> tuple[str, float, list[tuple[str, int]]]:
        with contextlib.redirect_stdout(io.StringIO()):
            text, reward, *_ = self.world.step(action)
        return text, reward, list(self.world.inventory.items())


def _gymnasium() -> ModuleType:
    """As much of gymnasium as the authors' code asks for."""
    module = ModuleType("gymnasium")
    module.Env = type("Env", (), {"__class_getitem__": classmethod(lambda cls, item: cls)})  # type: ignore[attr-defined]
    return module


def choose(rng: random.Random, seen: Observation, items: list[str]) -> str:
    """The solver's action, or any possible one, or one that may well be senseless."""
    kind = rng.random()
    if kind < 0.4 and seen.info["expert_plan"]:
        return str(seen.info["expert_plan"][0])
    if kind < 0.6:
        return rng.choice(seen.admissible)
    if kind < 0.75:
        return f"get {rng.randint(0, 9)} {rng.choice(items)}"
    if kind < 0.9:
        parts = (f"{rng.randint(1, 4)} {rng.choice(items)}" for _ in range(rng.randint(1, 3)))
        return f"craft {rng.choice(items)} using {', '.join(parts)}"
    return rng.choice(("inventory", "inventory now", "look", "get x", "craft a using b"))


def measure(data: Path | None, official: Path | None) -> dict[str, Any]:
    """Times are in seconds, memory in bytes."""
    world = TextCraft(data=data, expert="planner", max_steps=10 * STEPS)
    fast = TextCraft(data=data, max_steps=10 * STEPS)
    tasks = world.tasks("all" if data else "generated")
    start = time.perf_counter()
    fast.tasks("all" if data else "generated")
    result: dict[str, Any] = {"load": time.perf_counter() - start}
    theirs = Theirs(official, data) if official and data else None
    items = things(world, tasks)
    resets: list[float] = []
    ours = stock = 0.0
    steps = 0
    equal = True
    rng = random.Random(0)
    for task in rng.choices(tasks, k=EPISODES):
        start = time.perf_counter()
        fast.reset(task)
        resets.append(time.perf_counter() - start)
        seen = world.reset(task)
        if theirs:
            theirs.start(task.data["goal"])
        for _ in range(STEPS):
            action = choose(rng, seen, items)
            seen = world.step(action)
            start = time.perf_counter()
            fast.step(action)
            ours += time.perf_counter() - start
            steps += 1
            if theirs:
                start = time.perf_counter()
                answer = theirs.step(action)
                stock += time.perf_counter() - start
                equal &= answer == (seen.text, seen.reward, [*world.snapshot().inventory])
            if seen.done:
                break
    tracemalloc.start()
    copies = [fast.fork() for _ in range(20)]
    for copy in copies:
        copy.reset(tasks[0])
    result |= {
        "steps_per_second": steps / ours,
        "reset_p50": median(resets),
        "reset_p95": quantiles(resets, n=20, method="inclusive")[-1],
        "bytes_per_copy": tracemalloc.get_traced_memory()[0] / len(copies),
    }
    if theirs:
        result |= {"official_steps_per_second": steps / stock, "steps": steps, "equal": equal}
    return result


def things(world: TextCraft, tasks: Sequence[Task]) -> list[str]:
    """What the lists of some tasks name, as it is shown."""
    named: set[str] = set()
    for task in tasks:
        for action in world.reset(task).admissible:
            named.add(action.removeprefix("get ").partition(" ")[2])
        named.add(task.prompt.removeprefix("craft ").rstrip("."))
    return sorted(named - {""})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="play the official goals from here")
    parser.add_argument("--official", type=Path, help="a checkout of github.com/archiki/ADaPT")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if options.official and not options.data:
        parser.error("--official needs --data, the recipes")
    result = measure(options.data, options.official)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"steps/s {result['steps_per_second']:.0f}   load {result['load']:.2f} s")
    print(f"reset   p50 {result['reset_p50']:.5f} s   p95 {result['reset_p95']:.5f} s")
    print(f"memory  {result['bytes_per_copy'] / 1024:.0f} KiB a copy")
    if "equal" in result:
        print(
            f"authors' code: {result['official_steps_per_second']:.0f} steps/s on the same "
            f"{result['steps']} actions; answers, rewards and inventories equal: {result['equal']}"
        )


if __name__ == "__main__":
    main()
