"""How fast environments are: steps, resets, and the memory of a copy, for all whose data is here.

Each environment is played in a process of its own by random admissible actions; where it lists
none, or a placeholder, by a word. Memory is what Python allocates for a fork that has been reset
and stepped, the mean of several; what forks share, a catalogue or a data set, is not in it.

    python benchmarks/perf/environments.py [--only NAME ...] [--steps 2000] [--json]
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeVar

from symposia.benchmarks import ENVIRONMENTS, Environment, make_environment
from symposia.benchmarks.lookup.encyclopedia import Encyclopedia
from symposia.episodes import Observation, Task

Result = TypeVar("Result")

OPTIONS: dict[str, dict[str, Any]] = {
    "alfworld": {"games": 12},
    "webshop": {"products": 200, "rewards": "approximate"},
    "reasoning-gym": {"size": 105},
    "gymnasium": {"env": "FrozenLake-v1", "actions": ["left", "down", "right", "up"]},
}
"""What an environment is made with; nothing by default."""
PAGED = ("hotpotqa", "fever")
"""They search in pages, which are made here."""
LOOKED_UP = ("atlas", *PAGED)
PAGES = 100_000
WORDS = 20_000
EPISODE = 20
"""Actions in an episode, at most."""
COPIES = 20
"""Forks whose memory is counted."""
COLUMNS = ("steps/s", "step p50", "step p95", "reset p50", "reset p95", "memory a copy")


def timed(times: list[float], call: Callable[..., Result], *arguments: Any) -> Result:
    """The result of a call; its seconds go to `times`."""
    began = time.perf_counter()
    result = call(*arguments)
    times.append(time.perf_counter() - began)
    return result


def next_action(name: str, seen: Observation, rng: random.Random) -> str:
    if name in LOOKED_UP:
        words = seen.text.split()
        start = rng.randrange(len(words))
        return rng.choice(
            (
                f"search[{title(rng.randrange(PAGES))}]",
                f"search[{' '.join(words[start : start + 2])}]",
                f"lookup[{words[start]}]",
            )
        )
    action = rng.choice(seen.admissible) if seen.admissible else "1"
    return action.replace("<query>", "set")


def title(number: int) -> str:
    """Of a page that is made."""
    return f"word{number % WORDS} {number}"


def made_pages(file: Path) -> Path:
    """A corpus of pages of a hundred words each, made once."""
    if file.is_file():
        return file
    rng = random.Random(0)
    words = [f"word{number}" for number in range(WORDS)]
    pages = (
        {
            "title": title(number),
            "text": ". ".join(" ".join(rng.choices(words, k=20)) for _ in range(5)),
        }
        for number in range(PAGES)
    )
    Encyclopedia.build(file, pages, progress=False)
    return file


def episode(
    world: Environment, tasks: Sequence[Task], resets: list[float], steps: list[float], seed: int
) -> None:
    rng = random.Random(seed)
    seen = timed(resets, world.reset, tasks[seed % len(tasks)])
    for _ in range(EPISODE):
        if seen.done:
            return
        seen = timed(steps, world.step, next_action(world.name, seen, rng))


def bytes_a_copy(world: Environment, tasks: Sequence[Task]) -> float:
    """Python's memory of a fork at play; what an engine allocates outside Python is not seen."""
    rng = random.Random(0)
    forks = []
    gc.collect()
    tracemalloc.start()
    for number in range(COPIES + 1):
        fork = world.fork()
        seen = fork.reset(tasks[number % len(tasks)])
        if not seen.done:
            fork.step(next_action(world.name, seen, rng))
        forks.append(fork)
        if number == 0:  # what is loaded with the first use is shared
            gc.collect()
            shared = tracemalloc.get_traced_memory()[0]
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - shared
    tracemalloc.stop()
    for fork in forks:
        fork.close()
    return grown / COPIES


def measure(name: str, steps: int) -> dict[str, float]:
    options = dict(OPTIONS.get(name, {}))
    if name in PAGED:
        options["corpus"] = made_pages(Path(os.environ["SYMPOSIA_CACHE"]) / "pages.sqlite")
    world = make_environment(name, **options)
    resets: list[float] = []
    times: list[float] = []
    tasks = world.tasks(world.default_split)
    episode(world, tasks, [], [], 0)  # imports and first loads
    number = 0
    while len(times) < steps:
        number += 1
        episode(world, tasks, resets, times, number)
    memory = bytes_a_copy(world, tasks)
    world.close()
    return {
        "steps_per_second": len(times) / sum(times),
        "step_p50_s": median(times),
        "step_p95_s": quantiles(times, n=20)[-1],
        "reset_p50_s": median(resets),
        "reset_p95_s": quantiles(resets, n=20)[-1],
        "bytes_a_copy": memory,
    }


def row(name: str, result: dict[str, Any]) -> str:
    if "missing" in result:
        return f"| {name} | {result['missing']} |" + " |" * (len(COLUMNS) - 1)
    milliseconds = [
        f"{1000 * result[key]:.3g} ms"
        for key in ("step_p50_s", "step_p95_s", "reset_p50_s", "reset_p95_s")
    ]
    memory = f"{result['bytes_a_copy'] / 1024:,.1f} KiB"
    return f"| {name} | {result['steps_per_second']:,.0f} | {' | '.join(milliseconds)} | {memory} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=ENVIRONMENTS, help="these environments")
    parser.add_argument("--steps", type=int, default=2000, help="to take in each, at least")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SYMPOSIA_CACHE"] = cache
        for name in options.only or ENVIRONMENTS:
            with ProcessPoolExecutor(1, mp_context=spawn) as pool:
                try:
                    results[name] = pool.submit(measure, name, options.steps).result()
                except (ImportError, ValueError, OSError) as reason:  # a package or data is missing
                    results[name] = {"missing": str(reason)}
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print(f"| environment | {' | '.join(COLUMNS)} |\n|---|{'---:|' * len(COLUMNS)}")
    for name, result in results.items():
        print(row(name, result))


if __name__ == "__main__":
    main()
