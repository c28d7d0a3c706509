"""How fast WebShop is here: loading, resets, steps and searches; and a catalogue of any size.

By default a generated shop of 1,000 products is played; `--data` plays the official one. With
`--official`, a checkout of the official repository is played by the same actions in the same run,
on our searcher, and what both show is compared; it needs that repository's packages. With
`--large`, a generated catalogue of so many products is built and searched, each in a process of its
own, so that their memory can be told apart.

    python benchmarks/perf/webshop_speed.py [--data FOLDER] [--steps 4000] [--json]
    python benchmarks/perf/webshop_speed.py --data FOLDER --official CHECKOUT
    python benchmarks/perf/webshop_speed.py --large 1000000
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeVar

from symposia.benchmarks.webshop import (
    Catalogue,
    GeneratedShop,
    WebShop,
    build_catalogue,
    open_catalogue,
)
from symposia.benchmarks.webshop.search import HITS, Index
from symposia.episodes import Observation, Task

Result = TypeVar("Result")
EPISODE = 20
"""Actions in an episode."""
SEARCHES = 500
"""Searches that are timed."""


def timed(times: list[float], call: Callable[..., Result], *arguments: Any) -> Result:
    """The result of a call; its seconds go to `times`."""
    start = time.perf_counter()
    result = call(*arguments)
    times.append(time.perf_counter() - start)
    return result


def next_action(seen: Observation, task: Task, rng: random.Random) -> str:
    """Mostly a click on what the page offers, sometimes a search."""
    if len(seen.admissible) < 2 or rng.random() < 0.1:
        words = task.reference["name"].lower().split()
        return f"search[{' '.join(rng.sample(words, min(3, len(words))))}]"
    return rng.choice(seen.admissible)


def play(world: WebShop, steps: int) -> dict[str, float]:
    rng = random.Random(0)
    tasks = world.tasks()
    resets: list[float] = []
    times: list[float] = []
    while len(times) < steps:
        task = rng.choice(tasks)
        seen = timed(resets, world.reset, task)
        for _ in range(EPISODE):
            seen = timed(times, world.step, next_action(seen, task, rng))
    return {
        "steps_per_second": len(times) / sum(times),
        "step_p50_s": median(times),
        "step_p95_s": quantiles(times, n=20)[-1],
        "reset_p50_s": median(resets),
        "reset_p95_s": quantiles(resets, n=20)[-1],
    }


def search(catalogue: Catalogue) -> dict[str, float]:
    """Searches that were not made before, with words of a title."""
    rng = random.Random(1)
    times: list[float] = []
    for number in range(SEARCHES):
        words = catalogue.product(rng.randrange(len(catalogue))).title.split()
        query = " ".join([*rng.sample(words, min(4, len(words))), str(number)])
        timed(times, catalogue.search, query)
    return {"search_p50_s": median(times), "search_p95_s": quantiles(times, n=20)[-1]}


def memory_mib() -> float:
    """The most that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def load_and_play(data: Path | None, products: int, steps: int) -> dict[str, Any]:
    def make() -> WebShop:
        world = WebShop(data=data, products=products, max_steps=10**9)
        world.tasks()
        return world

    first: list[float] = []
    again: list[float] = []
    timed(first, make)
    open_catalogue.cache_clear()
    world = timed(again, make)
    return {
        "products": len(world.catalogue),
        "goals": len(world.tasks()),
        "rewards": world.options["rewards"],
        "first_load_s": first[0],
        "load_s": again[0],
        **play(world, steps),
        **search(world.catalogue),
        "peak_memory_mib": memory_mib(),
    }


def build(products: int, cache: Path) -> tuple[Path, dict[str, float]]:
    times: list[float] = []
    folder = timed(times, build_catalogue, GeneratedShop(products), cache)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
    return folder, {
        "build_s": times[0],
        "build_peak_memory_mib": memory_mib(),
        "disk_mib": size,
    }


def open_and_search(folder: Path) -> dict[str, float]:
    import numpy  # noqa: F401 - its own memory comes before the catalogue's

    before = memory_mib()
    times: list[float] = []
    catalogue = timed(times, open_catalogue, folder)
    opened = memory_mib()
    found = search(catalogue)
    return {
        "open_s": times[0],
        "open_memory_mib": opened - before,
        **found,
        "search_memory_mib": memory_mib() - before,
    }


def large(products: int, cache: Path) -> dict[str, Any]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        folder, built = pool.submit(build, products, cache).result()
        return {"products": products, **built, **pool.submit(open_and_search, folder).result()}


def compare(data: Path, checkout: Path, steps: int) -> dict[str, Any]:
    """Play the official environment by the same actions, step by step in turn; both search anew."""
    sys.path.insert(0, str(checkout))
    from web_agent_site.engine import engine  # type: ignore[import-not-found]
    from web_agent_site.envs import web_agent_text_env  # type: ignore[import-not-found]

    world = WebShop(data=data, products=1000, max_steps=10**9)
    index = Index(world.catalogue.folder)
    asins = [world.catalogue.product(number).asin for number in range(len(world.catalogue))]

    class Searcher:
        """Our search in the place of pyserini's."""

        def search(self, query: str, k: int) -> list[Any]:
            return [type("Hit", (), {"docid": asins[n]}) for n in index.search(query, HITS)]

        def doc(self, name: str) -> Any:
            return type("Document", (), {"raw": lambda self: json.dumps({"id": name})})()

    draw = engine.generate_product_prices

    def seeded(products: Any) -> Any:
        random.seed(0)
        return draw(products)

    engine.generate_product_prices = seeded
    web_agent_text_env.init_search_engine = lambda num_products: Searcher()
    official = web_agent_text_env.WebAgentTextEnv(observation_mode="text", num_products=1000)
    tasks = world.tasks()
    rng = random.Random(0)
    times: dict[str, list[float]] = {who: [] for who in ("official", "ours")}
    resets: dict[str, list[float]] = {who: [] for who in times}
    same = True
    for _ in range(max(steps // EPISODE, 1)):
        number = rng.randrange(len(tasks))
        official.server.user_sessions.clear()
        text = timed(resets["official"], official.reset, number)[0]
        seen = timed(resets["ours"], world.reset, tasks[number])
        same &= text == seen.text
        for _ in range(EPISODE):
            action = next_action(seen, tasks[number], rng)
            text, reward, done, _ = timed(times["official"], official.step, action)
            seen = timed(times["ours"], world.step, action)
            same &= (text, reward, done) == (seen.text, seen.reward, seen.done)
    spent = {who: sum(each) for who, each in times.items()}
    return {
        "official_steps_per_second": len(times["official"]) / spent["official"],
        "official_reset_p50_s": median(resets["official"]),
        "steps_ratio": spent["official"] / spent["ours"],
        "reset_ratio": sum(resets["official"]) / sum(resets["ours"]),
        "observations_and_rewards_equal": same,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="official files; else a generated shop")
    parser.add_argument("--products", type=int, default=1000, help="to read or to generate")
    parser.add_argument("--steps", type=int, default=4000, help="actions to take")
    parser.add_argument("--official", type=Path, help="checkout of the official repository")
    parser.add_argument("--large", type=int, help="build and search so many products instead")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if options.official and not options.data:
        parser.error("--official needs --data")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SYMPOSIA_CACHE"] = cache
        if options.large:
            result = large(options.large, Path(cache))
        else:
            result = load_and_play(options.data, options.products, options.steps)
        if options.official:
            result |= compare(options.data, options.official, min(options.steps, 1000))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        print(f"{name:31} {value:.5g}" if isinstance(value, float) else f"{name:31} {value}")


if __name__ == "__main__":
    main()
