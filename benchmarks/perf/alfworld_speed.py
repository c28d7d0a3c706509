"""How fast ALFWorld is here and with the stock engine, in one run, and whether both say the same.

Both engines play the same games with the same seeded commands, turn by turn, so that noise of the
machine meets both alike. Then worker processes, as a run uses them: how many steps and resets a
second one of them does, and how many times that several do together.

    python benchmarks/perf/alfworld_speed.py [--games 6] [--steps 30] [--data FOLDER] [--json]
        [--workers 1 2 4]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeVar

from symposia.benchmarks import Sessions
from symposia.benchmarks.alfworld import ALFWorld
from symposia.benchmarks.alfworld.engine import Engine
from symposia.benchmarks.alfworld.games import read_game
from symposia.benchmarks.alfworld.scenes import generate_game
from symposia.episodes import Task

Result = TypeVar("Result")
WORLDS = 16
"""Worlds that a pool holds at once, whatever the number of its processes."""
POOL_STEPS = 100
"""Commands in each world of a pool."""


class Stock:
    """The engine as ALFWorld's own package sets it up."""

    def load(self, game: dict[str, Any]) -> None:
        import textworld
        from alfworld.agents.environment.alfred_tw_env import AlfredDemangler
        from textworld.envs.pddl import PddlEnv

        infos = textworld.EnvInfos(admissible_commands=True, won=True)
        self._env = AlfredDemangler(shuffle=False)(PddlEnv(infos))
        self._env.load(game)

    def reset(self) -> tuple[str, tuple[str, ...], bool]:
        return self._shown(self._env.reset())

    def step(self, command: str) -> tuple[str, tuple[str, ...], bool]:
        return self._shown(self._env.step(command)[0])

    @staticmethod
    def _shown(state: Any) -> tuple[str, tuple[str, ...], bool]:
        return state.feedback, tuple(state.admissible_commands), state.won


def timed(seconds: list[float], call: Callable[[], Result]) -> Result:
    start = time.perf_counter()
    result = call()
    seconds.append(time.perf_counter() - start)
    return result


def measure(games: list[dict[str, Any]], steps: int) -> dict[str, Any]:
    """Play every game on both engines; times are in seconds.

    `reset` is what it takes from a game's content to its first observation; `first_reset` is the
    same while the translation is not cached yet.
    """
    ours, stock = Engine(), Stock()
    seconds: dict[str, list[float]] = {
        name: [] for name in ("stock_reset", "reset", "first_reset", "stock_step", "step")
    }

    def start(engine: Engine | Stock, game: dict[str, Any]) -> Any:
        engine.load(game)
        return engine.reset()

    equal = True
    start(ours, generate_game(-1, size="small"))
    start(stock, generate_game(-1, size="small"))
    for number, game in enumerate(games):
        rng = random.Random(number)
        expected = timed(seconds["stock_reset"], partial(start, stock, game))
        timed(seconds["first_reset"], partial(start, ours, game))
        view = timed(seconds["reset"], partial(start, ours, game))
        equal &= (view.text, view.commands, view.won) == expected
        for _ in range(steps):
            kind = rng.choice(sorted({command.split()[0] for command in view.commands}))
            command = rng.choice([each for each in view.commands if each.startswith(kind)])
            expected = timed(seconds["stock_step"], partial(stock.step, command))
            view = timed(seconds["step"], partial(ours.step, command))
            equal &= (view.text, view.commands, view.won) == expected
    ours.close()
    return summary(seconds) | {"games": len(games), "steps": steps, "transcripts_equal": equal}


def summary(seconds: dict[str, list[float]]) -> dict[str, Any]:
    rate = {name: len(each) / sum(each) for name, each in seconds.items()}
    return {
        "steps_per_second": {"stock": rate["stock_step"], "ours": rate["step"]},
        "reset_p50": {name: median(seconds[name]) for name in seconds if "reset" in name},
        "reset_p95": {
            name: quantiles(seconds[name], n=20, method="inclusive")[-1]
            for name in seconds
            if "reset" in name
        },
        "ratios": {
            "steps": rate["step"] / rate["stock_step"],
            "reset": median(seconds["stock_reset"]) / median(seconds["reset"]),
            "first_reset": median(seconds["stock_reset"]) / median(seconds["first_reset"]),
        },
    }


async def pool(workers: int) -> dict[str, float]:
    """Steps and resets a second of all worlds of a pool together, each process being warm."""
    environment = ALFWorld(games=WORLDS, max_steps=10 * POOL_STEPS)
    played = environment.tasks()
    warming = ALFWorld(games=workers, seed=WORLDS, size="small").tasks()
    async with Sessions(environment, workers) as sessions:
        await asyncio.gather(*(visit(sessions, task, 1) for task in warming))
        rates = {}
        for name, steps in (("first_resets", 0), ("resets", 0), ("both", POOL_STEPS)):
            start = time.perf_counter()
            taken = await asyncio.gather(*(visit(sessions, task, steps) for task in played))
            seconds = time.perf_counter() - start
            rates[name] = len(played) / seconds
        stepping = seconds - len(played) / rates["resets"]
        return {
            "steps": sum(taken) / stepping,
            "resets": rates["resets"],
            "first_resets": rates["first_resets"],
        }


async def visit(sessions: Sessions, task: Task, steps: int) -> int:
    """Reset a world and take random admissible commands; how many it were."""
    rng = random.Random(task.id)
    async with sessions.world(task) as world:
        seen = await world.reset()
        for step in range(steps):
            if seen.done:
                return step
            seen = await world.step(rng.choice(seen.admissible))
    return steps


def games_to_play(count: int, data: Path | None) -> list[dict[str, Any]]:
    if data is None:
        sizes = ("small", "medium", "large")
        return [generate_game(seed, size=sizes[seed % 3]) for seed in range(count)]
    tasks = ALFWorld(data=data).tasks("games")
    return [read_game(task.data) for task in random.Random(0).sample(list(tasks), count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=6, help="how many games to play")
    parser.add_argument("--steps", type=int, default=30, help="commands in each game")
    parser.add_argument("--data", type=Path, help="play official games from here")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4], help="pool sizes")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    games = games_to_play(options.games, options.data)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SYMPOSIA_CACHE"] = cache
        result = measure(games, options.steps)
    result["pools"] = {}
    for workers in options.workers:
        with tempfile.TemporaryDirectory() as cache:
            os.environ["SYMPOSIA_CACHE"] = cache
            result["pools"][workers] = asyncio.run(pool(workers))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    steps, ratios = result["steps_per_second"], result["ratios"]
    print(f"{options.games} games, {options.steps} steps each, stock and ours in turn")
    rates = f"stock {steps['stock']:.1f}   ours {steps['ours']:.1f}"
    print(f"steps/s     {rates}   x{ratios['steps']:.0f}")
    for name in ("reset", "first_reset"):
        line = "   ".join(
            f"{who} p50 {result['reset_p50'][key]:.4f} s p95 {result['reset_p95'][key]:.4f} s"
            for who, key in (("stock", "stock_reset"), ("ours", name))
        )
        print(f"{name:11} {line}   x{ratios[name]:.0f}")
    print(f"transcripts equal: {result['transcripts_equal']}")
    one: dict[str, float] = next(iter(result["pools"].values()), {})
    for workers, rates in result["pools"].items():
        shown = (f"{name} {rate:.0f}/s (x{rate / one[name]:.2f})" for name, rate in rates.items())
        print(f"{workers} workers   {'   '.join(shown)}")


if __name__ == "__main__":
    main()
