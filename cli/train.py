"""The command `symposia train`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import console, plain_errors, stderr
from .making import budget_of, hush_transformers, pairs_of, require_packages, settings_of, world_of
from .options import AsJson, Data, MaxCalls, MaxSeconds, MaxTokens
from .training import board_of, overlap_of, plan_of, recipe_of, serving_of, show_estimate

if TYPE_CHECKING:
    from ..benchmarks import Environment
    from ..training.loop import Outcome, Plan, Recipe, Serving

commands = typer.Typer()

EXAMPLES = """Examples:

- see what it would take: `symposia train grpo --benchmark arithmetic --dry-run`
- train: `symposia train grpo --benchmark arithmetic --iterations 5`; the same command goes on with
  a run that was stopped, and with more `--iterations` with one that ended
- other settings of the recipe and of the updates: `symposia train grpo --benchmark arithmetic
  --full --lr 0.0003 --option advantage=rloo --update epochs=2`
- a household, learning from other games than it is tested on: `symposia train grpo --benchmark
  alfworld --env-option seed=1000 --test-option seed=0`
- a larger model, its episodes played by vLLM: `symposia train grpo --benchmark gsm8k
  --model hf:models/qwen --serve vllm:http://127.0.0.1:8000#qwen --update device=cuda
  --update bf16=true`
"""


class Promote(StrEnum):
    """When new weights take over."""

    ALWAYS = "always"
    BETTER = "better"


@commands.command(epilog=EXAMPLES)
def train(
    recipe: Annotated[
        str,
        typer.Argument(help="See `symposia recipes`; or your own, as module:Class."),
    ],
    benchmark: Annotated[
        str,
        typer.Option("--benchmark", "-b", help="Where to play: see `symposia environments`."),
    ],
    model: Annotated[
        str, typer.Option(help="What to start from: tiny, or hf:PATH, a Hugging Face folder.")
    ] = "tiny",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="A setting of the recipe, as name=value."),
    ] = None,
    env_option: Annotated[
        list[str] | None,
        typer.Option("--env-option", "-e", help="A setting of the environment, as name=value."),
    ] = None,
    test_option: Annotated[
        list[str] | None,
        typer.Option(help="One that is other where it is tested, as name=value."),
    ] = None,
    data: Data = None,
    iterations: Annotated[int, typer.Option(help="Rounds of playing and learning.")] = 10,
    tasks: Annotated[int, typer.Option(help="Tasks played in an iteration.")] = 16,
    attempts: Annotated[int, typer.Option(help="Episodes of each task.")] = 8,
    lora: Annotated[
        int | None, typer.Option(help="Train adapters of this rank; else of rank 16.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Train all weights, no adapters.")] = False,
    lr: Annotated[
        float | None, typer.Option(help="Learning rate; else 0.001 for tiny, 0.00001 for others.")
    ] = None,
    update: Annotated[
        list[str] | None,
        typer.Option("--update", "-u", help="A setting of the updates, as name=value."),
    ] = None,
    train_split: Annotated[
        str | None, typer.Option(help="To learn from; else the environment's choice.")
    ] = None,
    test_split: Annotated[
        str | None, typer.Option(help="To be tested on; else the environment's choice.")
    ] = None,
    test_tasks: Annotated[int, typer.Option(help="Tasks of each test, at most.")] = 64,
    test_attempts: Annotated[int, typer.Option(help="Episodes of each of them.")] = 1,
    evaluate_every: Annotated[
        int, typer.Option(help="Iterations between tests; 0 for start and end alone.")
    ] = 1,
    promote: Annotated[
        Promote, typer.Option(help="`better` undoes iterations after which a test went worse.")
    ] = Promote.ALWAYS,
    patience: Annotated[
        int | None, typer.Option(help="End after so many tests without a new best score.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="Of the episodes to learn from.")] = 1.0,
    reply_tokens: Annotated[int, typer.Option(help="Tokens of one reply, at most.")] = 256,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_seconds: MaxSeconds = None,
    concurrency: Annotated[int, typer.Option(help="Episodes at once.")] = 32,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes for environments that use them; else one per core."),
    ] = None,
    seed: int = 0,
    serve: Annotated[
        str | None,
        typer.Option(
            help="vllm:URL#NAME plays the episodes: a server of the same model that takes "
            "adapters (`symposia serve --lora`)."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder; a run that is there goes on. Else one in runs/."),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write curves for TensorBoard, too.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the plan and its cost; play a few episodes only."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model from what its team lives through, and test it against the start.

    The run's folder keeps everything: episodes, rows, every version of the weights, the curves, and
    at the end a page (report.html) and a model card. Stopped at any moment, it goes on when the
    same command is given again.
    """
    with plain_errors():
        settings = settings_of(data, env_option, "--env-option")
        world = world_of(benchmark, settings)
        others = pairs_of(test_option, "--test-option")
        test = world_of(benchmark, settings | others) if others else world
        method = recipe_of(recipe, pairs_of(option, "--option"), world)
        plan = plan_of(
            model,
            lora,
            full,
            lr,
            pairs_of(update, "--update"),
            iterations=iterations,
            tasks=tasks,
            attempts=attempts,
            train_split=train_split,
            test_split=test_split,
            test_tasks=test_tasks,
            test_attempts=test_attempts,
            evaluate_every=evaluate_every,
            promote=promote.value,
            patience=patience,
            temperature=temperature,
            max_tokens=reply_tokens,
            budget=budget_of(calls=max_calls, tokens=max_tokens, seconds=max_seconds),
            concurrency=concurrency,
            workers=workers,
            seed=seed,
        )
        serving = serving_of(serve, plan)
        hush_transformers()
        if shared := overlap_of(plan, world, test):
            stderr.print(shared, style="yellow")
        if dry_run:
            show_estimate(method, world, test, plan, serve, as_json)
            return
        folder = out or Path("runs", f"{method.name}-{world.name}-{_slug(model)}-{seed}")
        require_packages("the report", "view", "matplotlib", "jinja2")
        if tensorboard:
            require_packages("--tensorboard", "train", "tensorboard")
        with _resumable(folder):
            outcome = _trained(method, world, test, plan, serving, folder, tensorboard, as_json)
        pages = _pages(method, outcome)
    if as_json:
        print(json.dumps(_summary(outcome, pages)))
        return
    console.print(outcome.comparison.table())
    console.print(outcome.comparison.difference_table())
    if outcome.stopped:
        console.print(f"ended early: {outcome.stopped}")
    for policy, version in outcome.versions.items():
        console.print(f"{policy}: {version}", soft_wrap=True)
    console.print(f"report: {pages[0]}", soft_wrap=True)


def _trained(
    recipe: Recipe,
    world: Environment,
    test: Environment,
    plan: Plan,
    serving: Serving | None,
    folder: Path,
    tensorboard: bool,
    quiet: bool,
) -> Outcome:
    from ..training.loop import train as run
    from .live import Watch

    with ExitStack() as stack:
        board = stack.enter_context(board_of(folder)) if tensorboard else None
        watch = stack.enter_context(Watch(folder, plan.iterations, board=board, quiet=quiet))
        return asyncio.run(
            run(
                recipe,
                world,
                plan,
                folder,
                test=test,
                serving=serving,
                runner=watch.play,
                heard=watch.hear,
            )
        )


def _pages(recipe: Recipe, outcome: Outcome) -> list[Path]:
    from ..training.reports import write_cards, write_html

    return [write_html(recipe, outcome), *write_cards(recipe, outcome)]


def _summary(outcome: Outcome, pages: list[Path]) -> dict[str, Any]:
    (difference,) = outcome.comparison.differences
    return {
        "folder": str(outcome.folder),
        "versions": {policy: str(at) for policy, at in outcome.versions.items()},
        "scores": outcome.scores,
        "before": asdict(outcome.before.summary),
        "after": asdict(outcome.after.summary),
        "difference": asdict(difference) | {"test": difference.test},
        "stopped": outcome.stopped,
        "report": str(pages[0]),
        "cards": [str(card) for card in pages[1:]],
    }


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Say how a run that is interrupted goes on."""
    try:
        yield
    except KeyboardInterrupt:
        stderr.print(
            f"interrupted; what was done is in {folder}: the same command goes on from there",
            soft_wrap=True,
        )
        raise


def _slug(model: str) -> str:
    return Path(model.partition(":")[2] or model).name
