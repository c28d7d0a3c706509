"""Agent-R on two CPU cores: does the bundled model learn to turn back from its own errors?

Three runs of three iterations each, on generated ALFWorld games. One trains on plays that are cut
where the model itself sees its first error and spliced with good ones; one, direct revision, does
not cut them; and one, the control, has as many rows that are all plain good plays. After each
iteration the model plays held-out games greedily, as they are and with planted errors: the first
few actions are random ones, which it has to live with. Everything lands in `runs/agent_r`; a run
that was stopped goes on.

    python examples/agent_r.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any

from langchain_core.language_models import BaseChatModel

from symposia import EpisodeStore, ToolAgent, act, evaluate, make_environment
from symposia.agents import Action, TeamState
from symposia.benchmarks import Report
from symposia.benchmarks.reports.intervals import wilson
from symposia.graphs.leave_tree import tree_of
from symposia.graphs.searching.agent_r_collection import revisions_of
from symposia.graphs.team import Team
from symposia.models.load import TINY
from symposia.training.loop import LocalServing, Plan, train
from symposia.training.recipes.agent_r import AgentR
from symposia.training.trainer import UpdateSettings

ARMS: dict[str, dict[str, Any]] = {
    "splices": {"judge": "verdicts"},
    "plain": {"judge": "verdicts", "splices": False},
    "direct": {"judge": "none"},
}
THOUGHTS = ("My last step was wrong.",)
"""Few words, and always the same: `tiny` has never read such a sentence."""
PROCESSES = 2
ITERATIONS = 3
TASKS, GAMES, PLANTED = 12, 32, 4
"""Games searched in an iteration, held-out games, random actions at the start of a spoilt game."""
STEPS = 20
HELD_OUT = 5_000
"""The first seed of held-out games; those searched begin at 0."""
CONCURRENCY = 8
"""Games at once."""
FOLDER = Path("runs/agent_r")
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Measured:
    """One version of the model on the held-out games."""

    arm: str
    iteration: int
    success: int
    recovered: int
    """Games won after planted errors."""
    repeated: float
    """Actions an episode that had met the very same answer before."""
    steps: float
    games: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What one iteration had to learn from."""

    arm: str
    iteration: int
    trees: int
    rows: int
    revisions: int
    accused: int
    """Revisions in which the model called a step of its own bad."""
    cut: float | None
    """Where, as a mean share of the bad play's length; None without any."""
    loss: float | None


def main() -> None:
    given = arguments()
    began = time.perf_counter()
    with ProcessPoolExecutor(
        given.processes, mp_context=get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        made = list(pool.map(arm, ARMS, [given] * len(ARMS)))
    collected = [each for of_arm, _ in made for each in of_arm]
    measured = [each for _, of_arm in made for each in of_arm]
    start = [each for each in measured if not each.iteration]
    measured += [replace(each, arm=name) for each in start for name in ARMS if name != each.arm]
    measured.sort(key=lambda each: (each.arm, each.iteration))
    text = table(collected, measured, given, time.perf_counter() - began)
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / "agent_r.md").write_text(text)
    plot(measured, given.results / "agent_r.png")
    print(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=TASKS, help="games searched an iteration")
    parser.add_argument("--games", type=int, default=GAMES, help="held-out games")
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--processes", type=int, default=PROCESSES, help="runs at once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


def arm(name: str, given: argparse.Namespace) -> tuple[list[Collected], list[Measured]]:
    """One run with its measurements, in a process of its own."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    return asyncio.run(trained(name, given))


async def trained(name: str, given: argparse.Namespace) -> tuple[list[Collected], list[Measured]]:
    folder = given.folder / name
    games = make_environment(
        "alfworld", size="small", games=given.tasks * given.iterations, max_steps=STEPS
    )
    plan = Plan(
        base=TINY,
        iterations=given.iterations,
        tasks=given.tasks,
        attempts=1,
        update=UpdateSettings(learning_rate=given.rate, epochs=given.epochs, batch=8, device="cpu"),
        test_split="generated",
        test_tasks=1,  # measured below, with planted errors as well
        evaluate_every=0,
        max_tokens=64,
        concurrency=CONCURRENCY,
        workers=1,
        seed=given.seed,
    )
    recipe = AgentR(thoughts=THOUGHTS, descents=3, samples=2, max_depth=STEPS, **ARMS[name])

    def heard(arrow: str, iteration: int, measures: Any) -> None:
        print(f"{name}: {arrow} {iteration} {dict(measures)}", flush=True)

    await train(recipe, games, plan, folder, heard=heard)
    serving = LocalServing(TINY, adapters=True)
    measured = []
    # All arms start from the same weights: those are measured once.
    for iteration in range(0 if name == "splices" else 1, given.iterations + 1):
        version = folder / "versions" / "policy" / f"{iteration:04d}"
        served = await serving.serve({"policy": version}, temperature=0.0, max_tokens=64)
        measured.append(await played(name, iteration, served["policy"], given))
        print(f"{name}: {measured[-1]}", flush=True)
    return [told(name, iteration, folder) for iteration in range(given.iterations)], measured


async def played(
    name: str, iteration: int, model: BaseChatModel, given: argparse.Namespace
) -> Measured:
    """A version on the held-out games, as they are and with planted errors."""
    agent = ToolAgent(model)
    teams = {"clean": (act(agent), STEPS), "planted": (with_errors(agent), STEPS + PLANTED)}
    reports: dict[str, Report] = {}
    with EpisodeStore(given.folder / name / "measured") as store:
        for run, (team, steps) in teams.items():
            held_out = make_environment(
                "alfworld", size="small", games=given.games, seed=HELD_OUT, max_steps=steps
            )
            reports[run] = await evaluate(
                team,
                held_out,
                store=store,
                run=f"{run}-{iteration}",
                concurrency=CONCURRENCY,
                workers=1,
                progress=False,
            )
    rows = reports["clean"].rows
    return Measured(
        arm=name,
        iteration=iteration,
        success=reports["clean"].summary.successes,
        recovered=reports["planted"].summary.successes,
        repeated=mean(row.repeated for row in rows),
        steps=mean(row.steps for row in rows),
        games=len(rows),
    )


def with_errors(agent: ToolAgent) -> Team:
    """A team whose first actions are random, the same ones in a game whoever plays on."""

    async def policy(state: TeamState) -> dict[str, Any]:
        done, seen = state["steps"], state["observation"]
        if done >= PLANTED or seen is None:
            return await agent(state)
        chance = random.Random(f"{state['task'].id}/{done}")
        return {"draft": Action(action=chance.choice(seen.admissible))}

    return act(policy, name="planted")


def told(name: str, iteration: int, folder: Path) -> Collected:
    """What stands in the record of an iteration's search."""
    with EpisodeStore(folder) as store:
        held = [each for each in store.episodes(f"collect-{iteration:04d}") if each.findings]
    cuts = []
    revisions = 0
    for episode in held:
        tree = tree_of(episode)
        for each in revisions_of(episode):
            revisions += 1
            if each.error is not None:
                cuts.append(tree[each.error].depth / tree[each.bad].depth)
    place = folder / "iterations" / f"{iteration:04d}"
    rows = json.loads((place / "rows.json").read_text())["counts"]["policy"]
    update = json.loads((place / "update.json").read_text())["measures"]
    return Collected(
        arm=name,
        iteration=iteration + 1,
        trees=len(held),
        rows=rows,
        revisions=revisions,
        accused=len(cuts),
        cut=mean(cuts) if cuts else None,
        loss=update.get("policy", {}).get("loss"),
    )


def table(
    collected: Sequence[Collected],
    measured: Sequence[Measured],
    given: argparse.Namespace,
    seconds: float,
) -> str:
    """All arms, as Markdown."""
    lines = [
        "# Agent-R on tiny",
        "",
        f"`python examples/agent_r.py`: {given.tasks} small ALFWorld games searched an iteration, "
        f"{given.games} held-out games played greedily, at most {STEPS} actions; planted errors: "
        f"{PLANTED} random actions at the start, and as many actions more. Seed {given.seed}, "
        f"{seconds / 60:.0f} minutes. In brackets: 95% Wilson intervals.",
        "",
        "| arm | after | solved | solved after planted errors | repeated actions | actions |",
        "|---|---|---|---|---|---|",
    ]
    for each in measured:
        lines.append(
            f"| {each.arm} | {each.iteration} | {share(each.success, each.games)} | "
            f"{share(each.recovered, each.games)} | {each.repeated:.1f} | {each.steps:.1f} |"
        )
    lines += [
        "",
        "| arm | iteration | trees | rows | bad plays paired | with a first error | "
        "cut at | loss |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for made in collected:
        cut = "" if made.cut is None else f"{made.cut:.2f}"
        loss = "" if made.loss is None else f"{made.loss:.2f}"
        lines.append(
            f"| {made.arm} | {made.iteration} | {made.trees} | {made.rows} | {made.revisions} | "
            f"{made.accused} | {cut} | {loss} |"
        )
    return "\n".join(lines) + "\n"


def share(count: int, games: int) -> str:
    low, high = wilson(count, games)
    return f"{count}/{games} = {count / games:.0%} [{low:.0%}, {high:.0%}]"


def plot(measured: Sequence[Measured], file: Path) -> None:
    """Held-out success of all arms, clean and with planted errors."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    shown = {
        "solved": lambda each: each.success / each.games,
        "solved after planted errors": lambda each: each.recovered / each.games,
        "repeated actions an episode": lambda each: each.repeated,
    }
    for panel, (title, value) in zip(panels, shown.items(), strict=True):
        for name in ARMS:
            own = [each for each in measured if each.arm == name]
            panel.plot([each.iteration for each in own], [*map(value, own)], "o-", label=name)
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("iterations")
        panel.set_xticks(range(max(each.iteration for each in measured) + 1))
        panel.set_ylim(bottom=0)
    panels[0].legend(fontsize=8)
    figure.savefig(file, dpi=80)


if __name__ == "__main__":
    main()
