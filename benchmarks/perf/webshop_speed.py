"""How fast WebShop is here: opening a catalogue, resets, steps and searches, and memory.

With `--official`, a checkout of the official repository is played by the same actions in the same
run, on the same searcher, and its observations are compared. It needs that repository's packages.

    python benchmarks/perf/webshop_speed.py [--data FOLDER] [--products N] [--steps 4000] [--json]
    python benchmarks/perf/webshop_speed.py --data FOLDER --official CHECKOUT
    python benchmarks/perf/webshop_speed.py --products 1000000    # builds a catalogue of that size
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from symposia.benchmarks.webshop import WebShop
from symposia.benchmarks.webshop.catalogue import open_catalogue
from symposia.episodes import Observation, Task

EPISODE = 20
"""Actions in an episode."""


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def next_action(seen: Observation, task: Task, rng: random.Random) -> str:
    """Mostly a click on what the page offers, sometimes a search."""
    if len(seen.admissible) < 2 or rng.random() < 0.1:
        words = task.reference["name"].lower().split()
        return f"search[{' '.join(rng.sample(words, min(3, len(words))))}]"
    return rng.choice(seen.admissible)


def play(world: WebShop, steps: int) -> dict[str, list[float]]:
    """Times of resets and steps in seconds."""
    rng = random.Random(0)
    tasks = world.tasks()
    times: dict[str, list[float]] = {"reset": [], "step": []}
    while len(times["step"]) < steps:
        task = rng.choice(tasks)
        spent, seen = seconds(lambda task=task: world.reset(task))
        times["reset"].append(spent)
        for _ in range(EPISODE):
            action = next_action(seen, task, rng)
            spent, seen = seconds(lambda action=action: world.step(action))
            times["step"].append(spent)
    return times


def searches(world: WebShop, count: int) -> list[float]:
    """Times of searches that were not made before, in seconds."""
    rng = random.Random(1)
    catalogue = world.catalogue
    times = []
    for number in range(count):
        words = catalogue.product(rng.randrange(len(catalogue))).title.split()
        query = f"{' '.join(rng.sample(words, min(4, len(words))))} {number}"
        times.append(seconds(lambda query=query: catalogue.search(query))[0])
    return times


def compare(world: WebShop, checkout: Path, steps: int) -> dict[str, Any]:
    """Play the official environment by the same actions, step by step in turn."""
    sys.path.insert(0, str(checkout))
    from web_agent_site.engine import engine  # type: ignore[import-not-found]
    from web_agent_site.envs import web_agent_text_env  # type: ignore[import-not-found]

    class Searcher:
        """Our search in the place of pyserini's."""

        def search(self, query: str, k: int) -> list[Any]:
            found = (world.catalogue.product(each).asin for each in world.catalogue.search(query))
            return [type("Hit", (), {"docid": asin}) for asin in found]

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
    spent, equal = {"official": 0.0, "ours": 0.0}, True
    for _ in range(steps // EPISODE):
        number = rng.randrange(len(tasks))
        text = official.reset(session=number)[0]
        seen = world.reset(tasks[number])
        equal &= text == seen.text
        for _ in range(EPISODE):
            action = next_action(seen, tasks[number], rng)
            took, (text, *_) = seconds(lambda action=action: official.step(action))
            spent["official"] += took
            took, seen = seconds(lambda action=action: world.step(action))
            spent["ours"] += took
            equal &= text == seen.text
    rates = {who: steps / total for who, total in spent.items()}
    return {
        "steps_per_second": rates,
        "ratio": rates["ours"] / rates["official"],
        "observations_equal": equal,
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    def make() -> WebShop:
        return WebShop(data=options.data, products=options.products, max_steps=10**9)

    build, _ = seconds(lambda: make().catalogue)
    open_catalogue.cache_clear()
    world = make()
    opened, _ = seconds(lambda: world.catalogue)
    times = play(world, options.steps)
    search = searches(world, min(300, options.steps))
    result = {
        "products": len(world.catalogue),
        "goals": len(world.tasks()),
        "first_open_s": build,
        "open_s": opened,
        "steps_per_second": len(times["step"]) / sum(times["step"]),
        "step_p95_s": quantiles(times["step"], n=20)[-1],
        "reset_p50_s": median(times["reset"]),
        "search_p50_s": median(search),
        "search_p95_s": quantiles(search, n=20)[-1],
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if options.official:
        result["official"] = compare(make(), options.official, min(options.steps, 1000))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="official files; else a generated shop")
    parser.add_argument("--products", type=int, help="how many products to read or generate")
    parser.add_argument("--steps", type=int, default=4000, help="actions to take")
    parser.add_argument("--official", type=Path, help="checkout of the official repository")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SYMPOSIA_CACHE"] = cache
        result = measure(options)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        print(f"{name:18} {value:.5g}" if isinstance(value, float) else f"{name:18} {value}")


if __name__ == "__main__":
    main()
