"""CoMAS in small: four agents learn sums from one another, without a label; beside it, controls.

Each agent is an adapter of the bundled model. In every iteration they solve problems, evaluate each
other's solutions and score them, and are trained by the scores alone. The truth is looked up
afterwards, in the record, to see what came of it: are solutions right, and do scorers accept what
is right? A run goes on where it was stopped.

    python examples/comas.py run role         # one arm, into runs/comas/role
    python examples/comas.py show             # table and plot of the arms that have ended
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from symposia import Episode, EpisodeStore, make_environment
from symposia.models.load import TINY
from symposia.training import builders
from symposia.training.loop import Plan, Stage, train_sync
from symposia.training.recipes.comas import CoMAS, discussions
from symposia.training.trainer import UpdateSettings

FOLDER = Path("runs/comas")
RESULTS = Path(__file__).parent / "results"
ITERATIONS = 12
LEARNING_RATE = 2e-3
TEMPERATURE = 0.7
"""Of training and of testing: at 1 the scorers of `tiny` tell less."""
TESTED = 100
# One round: shown an evaluated solution, `tiny` solves worse, so a second one would add noise.
TEAM: dict[str, Any] = {"words": "roles", "rounds": 1, "references": 0}
ARMS: dict[str, dict[str, Any]] = {
    "batch": {},
    "role": {"normalise_by": "role"},
    "role-kl": {"normalise_by": "role", "kl": 0.5},
    "frozen": {"normalise_by": "role", "scorer": "frozen"},
    "random": {"normalise_by": "role", "reward": "random"},
    "shared": {"shared": True},
    "labels": {"normalise_by": "role"},
}
MEANING = {
    "batch": "as in the paper: all roles normalised together",
    "role": "each role normalised by itself",
    "role-kl": "the same, held to the start by a KL of weight 0.5",
    "frozen": "by role; the start scores for all",
    "random": "control, by role: marks drawn by chance",
    "shared": "control, as in the paper, but one model is all agents",
    "labels": "control, by role: the truth in the place of marks, which CoMAS never has",
}


class Labelled(CoMAS):
    """The control that knows the truth: what may be hoped for at best."""

    name = "comas-labelled"

    async def marks(self, episode: Episode, stage: Stage) -> Sequence[int | None]:
        return [
            each.score and (3 if await builders.right(episode, each.turns[0], stage) else 1)
            for each in discussions(episode)
        ]


CURVES = {
    "right": "solutions that are right",
    "agreement": "scores that agree with the truth",
    "accepted_right": "right ones accepted",
    "accepted_wrong": "wrong ones accepted",
    "objections": "evaluations that object",
    "unreadable": "unreadable scores",
}
PLOTTED = ("right", "agreement", "accepted_right", "accepted_wrong", "objections")


def run(arm: str, iterations: int) -> None:
    """Train one arm, and write down what the record says of it."""
    environment = make_environment("arithmetic", size=1000)
    plan = Plan(
        base=TINY,
        iterations=iterations,
        tasks=32,
        attempts=1,
        update=UpdateSettings(learning_rate=LEARNING_RATE, batch=16, device="cpu"),
        evaluate_every=0,
        test_tasks=TESTED,
        temperature=TEMPERATURE,
        test_temperature=TEMPERATURE,
        max_tokens=128,
    )
    folder = FOLDER / arm
    began = time.perf_counter()

    def heard(arrow: str, iteration: int, measures: Mapping[str, Any]) -> None:
        if arrow != "update":
            print(f"{time.perf_counter() - began:6.0f} s", arm, arrow, iteration, dict(measures))

    recipe = (Labelled if arm == "labels" else CoMAS)(**TEAM, **ARMS[arm])
    outcome = train_sync(recipe, environment, plan, folder, heard=heard)
    truth = {
        task.id: str(task.reference)
        for split in environment.splits
        for task in environment.tasks(split)
    }
    with EpisodeStore(folder) as store:
        said = {
            "arm": arm,
            "curve": [
                seen(store.episodes(f"collect-{iteration:04d}"), truth)
                for iteration in range(iterations)
            ],
            "before": held_out(list(store.episodes("evaluate-0000")), truth),
            "after": held_out(list(store.episodes(f"evaluate-{iterations:04d}")), truth),
        }
    (change,) = outcome.comparison.differences
    said |= {"interval": list(change.interval), "p": change.p}
    (folder / "summary.json").write_text(json.dumps(said, indent=1))


def right(parsed: Mapping[str, Any] | None, reference: str) -> bool:
    return parsed is not None and parsed["answer"].strip() == reference


def seen(episodes: Iterable[Episode], truth: Mapping[str, str]) -> dict[str, float]:
    """What was true of one iteration's discussions."""
    told = []
    for episode in episodes:
        for each in discussions(episode):
            solution, evaluation, _ = each.turns
            objects = evaluation.parsed is not None and evaluation.parsed["verdict"] == "incorrect"
            told.append((right(solution.parsed, truth[episode.task]), objects, each.score))
    good = [score for holds, _, score in told if holds]
    bad = [score for holds, _, score in told if not holds]
    return {
        "right": len(good) / len(told),
        "agreement": share((score == 3) == holds for holds, _, score in told),
        "accepted_right": share(score == 3 for score in good),
        "accepted_wrong": share(score == 3 for score in bad),
        "objections": share(objects for _, objects, _ in told),
        "unreadable": share(score is None for _, _, score in told),
    }


def held_out(episodes: Sequence[Episode], truth: Mapping[str, str]) -> dict[str, float]:
    """Accuracy of each agent, of all of them on average, and of their majority."""
    found: dict[str, list[bool]] = {}
    for episode in episodes:
        for turn in episode.turns:
            found.setdefault(turn.agent, []).append(right(turn.parsed, truth[episode.task]))
    agents = {name: share(held) for name, held in sorted(found.items())}
    return {
        **agents,
        "mean": sum(agents.values()) / len(agents),
        "majority": share(episode.outcome.success for episode in episodes),
    }


def share(held: Iterable[bool]) -> float:
    counted = list(held)
    return sum(counted) / len(counted) if counted else 0.0


def show() -> None:
    """Write the table and the plot of the arms that have ended."""
    ended = [FOLDER / arm / "summary.json" for arm in ARMS]
    arms = [json.loads(file.read_text()) for file in ended if file.is_file()]
    if not arms:
        raise SystemExit(f"no arm has ended in {FOLDER}: run one of {', '.join(ARMS)} first")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "comas.md").write_text(table(arms))
    plot(arms, RESULTS / "comas.png")
    print(table(arms))


def table(arms: Sequence[dict[str, Any]]) -> str:
    """Held-out accuracy before and after, and the first and the last iterations."""
    lines = [
        f"{TESTED} held-out problems, sampled at temperature {TEMPERATURE}; `change` is of the "
        "majority, with its 95 % interval.",
        "",
        "| arm | majority before | after | change | mean agent before | after | each agent after |",
        "|---|---|---|---|---|---|---|",
    ]
    for arm in arms:
        before, after = arm["before"], arm["after"]
        low, high = arm["interval"]
        each = ", ".join(f"{v:.0%}" for name, v in after.items() if name.startswith("solver"))
        lines.append(
            f"| `{arm['arm']}` | {before['majority']:.1%} | {after['majority']:.1%} | "
            f"{after['majority'] - before['majority']:+.1%} ({low:+.1%} to {high:+.1%}) | "
            f"{before['mean']:.1%} | {after['mean']:.1%} | {each} |"
        )
    lines += [
        "",
        "While training, the first third of the iterations → the last third. In one iteration all "
        "arms play the same problems, and in the next one others: compare down, not across.",
        "",
        f"| arm | iterations | {' | '.join(CURVES.values())} |",
        f"|---|---|{'---|' * len(CURVES)}",
    ]
    for arm in arms:
        curve = arm["curve"]
        third = max(1, len(curve) // 3)
        cells = [
            f"{mean(curve[:third], name):.0%} → {mean(curve[-third:], name):.0%}" for name in CURVES
        ]
        lines.append(f"| `{arm['arm']}` | {len(curve)} | {' | '.join(cells)} |")
    lines += ["", *(f"- `{arm['arm']}`: {MEANING[arm['arm']]}." for arm in arms), ""]
    return "\n".join(lines)


def mean(curve: Sequence[Mapping[str, float]], name: str) -> float:
    return sum(each[name] for each in curve) / len(curve)


def plot(arms: Sequence[dict[str, Any]], file: Path) -> None:
    """What was true of the discussions, iteration by iteration (means over three)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.2), layout="constrained")
    panels = figure.subplots(1, len(PLOTTED), sharey=True)
    for axes, name in zip(panels, PLOTTED, strict=True):
        for arm in arms:
            curve = arm["curve"]
            smooth = [mean(curve[max(0, at - 1) : at + 2], name) for at in range(len(curve))]
            axes.plot(range(1, len(curve) + 1), smooth, label=arm["arm"], linewidth=1.4)
        axes.set_title(CURVES[name], fontsize=9)
        axes.set_xlabel("iteration", fontsize=8)
        axes.set_ylim(0, 1)
    panels[-1].legend(fontsize=7)
    figure.savefig(file, dpi=90)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", arm, *count] if arm in ARMS:
            run(arm, int(count[0]) if count else ITERATIONS)
        case ["show"]:
            show()
        case _:
            raise SystemExit(f"{__doc__}\nArms: {', '.join(ARMS)}")
