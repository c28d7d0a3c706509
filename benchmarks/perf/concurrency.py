"""Many episodes in one process: how close to the ideal rate do they come?

Every episode acts in a small world in this process; the scripted model takes a fixed time to
answer. Ideal is no CPU cost at all: turns times latency. A second row draws the latency from a
log-normal distribution of the same mean, which shows what stragglers cost.

    python benchmarks/perf/concurrency.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import time
from typing import Any, ClassVar

from symposia.agents import ToolAgent
from symposia.benchmarks import Environment, evaluate
from symposia.episodes import Observation, Task
from symposia.graphs import act
from symposia.models import ScriptedModel

SIGMA = 1.0
"""Of the log-normal latency."""


class Corridor(Environment):
    """Walk `length` steps."""

    name: ClassVar[str] = "corridor"
    splits: ClassVar[tuple[str, ...]] = ("all",)

    def __init__(self, episodes: int, length: int) -> None:
        self.episodes = episodes
        self.length = length
        self.at = 0

    def tasks(self, split: str) -> list[Task]:
        return [Task(f"corridor:{i}", "walk") for i in range(self.episodes)]

    def reset(self, task: Task) -> Observation:
        self.at = 0
        return Observation("You are in a corridor.")

    def step(self, action: str) -> Observation:
        self.at += 1
        done = self.at == self.length
        return Observation(f"You are at {self.at}.", reward=float(done), done=done)


async def wall(episodes: int, turns: int, latency: float, heavy_tail: bool) -> tuple[float, float]:
    """Seconds taken, and the ideal: the longest episode's waiting with no CPU cost."""
    rng = random.Random(0)
    mu = math.log(latency) - SIGMA**2 / 2
    waits = [
        [rng.lognormvariate(mu, SIGMA) if heavy_tail else latency for _ in range(turns)]
        for _ in range(episodes)
    ]
    queues = [iter(w) for w in waits]
    own: dict[Any, Any] = {}

    async def reply(messages: list[Any]) -> str:
        task = asyncio.current_task()
        await asyncio.sleep(next(own.setdefault(task, queues[len(own) % episodes]), latency))
        return "<action>go</action>"

    async def fixed(messages: list[Any]) -> str:
        await asyncio.sleep(latency)
        return "<action>go</action>"

    team = act(ToolAgent(ScriptedModel(reply if heavy_tail else fixed)))
    began = time.perf_counter()
    report = await evaluate(team, Corridor(episodes, turns), concurrency=episodes, progress=False)
    taken = time.perf_counter() - began
    assert report.summary.successes == episodes
    return taken, max(map(sum, waits)) if heavy_tail else turns * latency


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, nargs="+", default=[1, 50, 200, 500])
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--latency", type=float, default=0.5, help="seconds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for episodes in options.episodes:
        began = time.process_time()
        taken, ideal = asyncio.run(wall(episodes, options.turns, options.latency, False))
        cpu = time.process_time() - began
        rows.append(
            {
                "episodes": episodes,
                "seconds": taken,
                "ideal": ideal,
                "efficiency": ideal / taken,
                "cpu_ms_per_turn": cpu / (episodes * options.turns) * 1e3,
            }
        )
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for r in rows:
        print(
            f"{r['episodes']:4d} episodes: {r['seconds']:6.2f} s, ideal {r['ideal']:5.2f} s: "
            f"{r['efficiency']:.0%} of the ideal rate; {r['cpu_ms_per_turn']:.2f} ms CPU a turn"
        )


if __name__ == "__main__":
    main()
