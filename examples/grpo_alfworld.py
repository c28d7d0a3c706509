"""A tiny model learns to act from success alone: GRPO on generated ALFWorld games.

Each update plays new games, eight times each, rewards an episode by its outcome (discounted, so
that short ways earn more), and makes what did better than the other seven more likely, with all
weights of the bundled model. Every few updates it plays the same held-out games. The control is the
same loop with rewards dealt out at random.

    python examples/grpo_alfworld.py                     # all seeds, one after the other
    python examples/grpo_alfworld.py --seeds 1 --only control

A run that was cut off goes on; what is there of all runs is put into examples/results.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from symposia import Episode, make_environment
from symposia.benchmarks import Report
from symposia.benchmarks.alfworld import TRAINING_SEEDS
from symposia.benchmarks.reports import paired
from symposia.models.load import TINY
from symposia.training.loop import Plan, Stage, train_sync
from symposia.training.recipes.grpo import GRPO
from symposia.training.trainer import UpdateSettings

GAMES = 800
"""To train on; each is played for one update only."""
TASKS, ATTEMPTS = 16, 8
"""Games of an update, and episodes of each."""
UPDATES = 15
MAX_STEPS = 12
SIZE = "small"
TESTED = 96
"""Held-out games."""
TEST_EVERY = 5
"""Updates."""
FRESH = TRAINING_SEEDS + 1_000_000
"""Seeds of games from here up: the bundled model has never seen them."""
TITLE = "GRPO from outcome rewards on generated ALFWorld games"
FOLDER = Path("runs/grpo_alfworld")
RESULTS = Path(__file__).parent / "results"


class RandomRewards(GRPO):
    """The control: the rewards of an update are dealt out to its episodes at random."""

    name = "grpo-random"
    summary = "outcome rewards, dealt out at random"

    async def rewards(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[float | None]:
        earned = list(await super().rewards(episodes, stage))
        stage.rng.shuffle(earned)
        return earned


RECIPES = {"trained": GRPO, "control": RandomRewards}


def run(kind: str, seed: int, updates: int) -> None:
    """Train, or go on with a training, and leave how it ended beside its curves."""
    folder = FOLDER / f"{kind}-{seed}"
    began = time.perf_counter()
    games = partial(make_environment, "alfworld", size=SIZE, max_steps=MAX_STEPS)
    outcome = train_sync(
        RECIPES[kind](acts=True, advantage="batch", discount=0.98),
        games(games=GAMES, seed=FRESH + 10_000 * seed),
        Plan(
            base=TINY,
            iterations=updates,
            tasks=TASKS,
            attempts=ATTEMPTS,
            lora=None,
            update=UpdateSettings(learning_rate=1e-3, batch=64, device="cpu"),
            test_tasks=TESTED,
            test_temperature=1.0,
            evaluate_every=TEST_EVERY,
            max_tokens=32,
            concurrency=64,
            workers=1,
            seed=seed,
        ),
        folder,
        test=games(games=TESTED),
        heard=partial(tell, folder.name, began),
    )
    ended = {
        "before": wins(outcome.before),
        "after": wins(outcome.after),
        "curve": outcome.scores,
        "seconds": time.perf_counter() - began,
    }
    (folder / "ended.json").write_text(json.dumps(ended))


def tell(name: str, began: float, arrow: str, iteration: int, measures: Mapping[str, Any]) -> None:
    shown = " ".join(f"{k}={v:.3g}" for k, v in measures.items() if isinstance(v, float))
    print(f"{name} {time.perf_counter() - began:6.0f} s {arrow} {iteration} {shown}", flush=True)


def wins(report: Report) -> list[bool]:
    """Of each held-out game, whether it was won."""
    return [row.success for row in sorted(report.rows, key=lambda row: row.task)]


def report(out: Path) -> None:
    """Write what is there of finished runs: a table and a picture."""
    ended = {
        kind: {
            file.parent.name: json.loads(file.read_text())
            for file in sorted(FOLDER.glob(f"{kind}-*/ended.json"))
        }
        for kind in RECIPES
    }
    ended = {kind: runs for kind, runs in ended.items() if runs}
    if not ended:
        return
    updates = sorted(
        {at for runs in ended.values() for run in runs.values() for at, _ in run["curve"]}
    )
    lines = [
        f"# {Path(__file__).stem}: {TITLE}",
        "",
        f"Share of {TESTED} held-out games (`{SIZE}`, at most {MAX_STEPS} actions) that were won,",
        "sampled at temperature 1, after so many updates. The interval of the gain (95 %) is over",
        "games, which all seeds share; minutes are those since a run was last started, two runs at",
        "once on two cores. Made by `python examples/grpo_alfworld.py`.",
        "",
        "| run | " + " | ".join(map(str, updates)) + " | gain | minutes |",
        "|---" * (len(updates) + 3) + "|",
    ]
    for kind, runs in ended.items():
        for name, found in runs.items():
            scores = dict(found["curve"])
            cells = [f"{scores[at]:.0%}" if at in scores else "" for at in updates]
            gain = mean(found["after"]) - mean(found["before"])
            cells += [f"{gain:+.0%}", f"{found['seconds'] / 60:.0f}"]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        games = [
            [int(after) - int(before) for before, after in zip(befores, afters, strict=True)]
            for befores, afters in zip(
                zip(*(found["before"] for found in runs.values()), strict=True),
                zip(*(found["after"] for found in runs.values()), strict=True),
                strict=True,
            )
        ]
        low, high = paired(games)
        gain = mean([each for game in games for each in game])
        blank = " |" * len(updates)
        lines.append(f"| **{kind}** |{blank} {gain:+.0%} ({low:+.0%} to {high:+.0%}) | |")
    lines += ["", f"![Success by update]({Path(__file__).stem}.png)", ""]
    out.mkdir(exist_ok=True)
    (out / f"{Path(__file__).stem}.md").write_text("\n".join(lines))
    draw(ended, out / f"{Path(__file__).stem}.png")


def draw(ended: Mapping[str, Mapping[str, Any]], file: Path) -> None:
    """Success by update: a thin line a run, a thick one their mean."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    for kind, color in zip(RECIPES, ("tab:blue", "tab:gray"), strict=True):
        curves = [dict(run["curve"]) for run in ended.get(kind, {}).values()]
        if not curves:
            continue
        for curve in curves:
            axes.plot([*curve], [*curve.values()], color=color, linewidth=0.8, alpha=0.6)
        shared = sorted(set.intersection(*map(set, curves)))
        means = [mean(curve[at] for curve in curves) for at in shared]
        axes.plot(shared, means, color=color, linewidth=2.5, label=kind)
    axes.legend()
    axes.set(xlabel="updates", ylabel="held-out games won", ylim=(0, 1))
    figure.savefig(file, dpi=100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=RECIPES)
    parser.add_argument("--updates", type=int, default=UPDATES)
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    for number in options.seeds:
        for chosen in [options.only] if options.only else RECIPES:
            run(chosen, number, options.updates)
    report(RESULTS)
