"""What the options of `symposia train` stand for: a recipe, a plan, a server; and what it costs."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from .console import console
from .making import find_own, model_of

if TYPE_CHECKING:
    from ..benchmarks import Environment
    from ..training.estimate import Estimate
    from ..training.loop import Plan, Recipe, Serving
    from ..training.reports import Board

TINY_RATE, RATE = 1e-3, 1e-5
"""Learning rates where none is given: for the bundled model, and for others."""
COUNTED = {
    "calls": "calls",
    "tokens read": "prompt_tokens",
    "tokens written": "completion_tokens",
    "steps in the world": "steps",
}
"""What an estimate has of each episode, in words and by name."""
UNITS = ("B", "kB", "MB", "GB", "TB")


def recipe_of(name: str, options: Mapping[str, Any], world: Environment) -> Recipe:
    """The recipe of that name, or of the user's module, for a world to act in or for questions.

    A recipe that can do either, by its option `acts`, does what the environment wants.

    Raises:
        ValueError: there is none, it does not take an option, or its team cannot act in the world.
    """
    from ..tools.imported import imported
    from ..training.recipes import RECIPES, make_recipe

    find_own(name)
    made = imported(RECIPES.get(name, name), "recipe", "Class", RECIPES)
    wanted = world.max_steps > 1
    if wanted and "acts" in inspect.signature(made).parameters:
        options = {"acts": True, **options}
    recipe = make_recipe(name, **options)
    if wanted and recipe.acts is False:
        raise ValueError(
            f"recipe {name!r} trains a team that answers questions, and {world.name} is a world to "
            "act in: choose an environment of questions, or a recipe whose team acts "
            "(`symposia recipes` says which)"
        )
    return recipe


def plan_of(
    model: str,
    rank: int | None,
    full: bool,
    rate: float | None,
    update: Mapping[str, Any],
    **choices: Any,
) -> Plan:
    """The plan that the options make.

    Raises:
        ValueError: a setting is out of range, unknown, or contradicts another.
        ImportError: a package for training is missing.
    """
    from ..models.load import TINY
    from ..tools.imported import with_options

    try:
        from ..training.loop import Plan
        from ..training.trainer import UpdateSettings
        from ..training.trainer.policy import LoRA
    except ImportError as error:
        raise ImportError(f'training needs {error.name}: pip install "symposia[train]"') from error
    if full and rank is not None:
        raise ValueError("--full trains all weights and --lora adapters: give one of them")
    if rank is not None and rank < 1:
        raise ValueError(f"--lora {rank}: a rank is at least 1")
    if rate is not None and "learning_rate" in update:
        raise ValueError("the learning rate is given twice: by --lr and by --update")
    kind, _, rest = model.partition(":")
    if model == "tiny":
        base, usual = TINY, TINY_RATE
    elif kind == "hf" and rest:
        base, usual = Path(rest).expanduser().resolve(), RATE
    else:
        raise ValueError(
            f"--model {model!r} cannot be trained: weights in a folder can, as `tiny` or hf:PATH"
        )
    if not (base / "config.json").is_file():
        raise ValueError(f"--model {model}: {base} is not a Hugging Face folder (no config.json)")
    made = {"learning_rate": usual if rate is None else rate, **update}
    adapters = None if full else LoRA() if rank is None else LoRA(rank, alpha=2.0 * rank)
    return Plan(
        base=base,
        lora=adapters,
        update=with_options(UpdateSettings, "--update", made),
        **choices,
    )


def serving_of(spec: str | None, plan: Plan) -> Serving | None:
    """The server that plays the episodes; None plays them in this process.

    Raises:
        ValueError: it is written otherwise, or cannot take what is trained.
    """
    if spec is None:
        return None
    kind, _, place = spec.partition(":")
    url, mark, name = place.rpartition("#")
    if kind != "vllm" or not (url and mark and name):
        raise ValueError(f"--serve {spec!r}: write it as vllm:URL#NAME")
    if plan.lora is None:
        raise ValueError("--serve takes adapters to a server, and --full makes none: leave out one")
    from ..training.loop import VLLMServing

    return VLLMServing(url, name, api_key=os.environ.get("VLLM_API_KEY"))


def board_of(folder: Path) -> AbstractContextManager[Board]:
    """Writes the run's curves for TensorBoard."""
    from ..training.reports import Board

    return Board(folder)


def overlap_of(plan: Plan, world: Environment, test: Environment) -> str:
    """A warning where the test tasks are learnt from; empty where they are not."""
    train, tested = plan.splits(world, test)
    known = {task.id for task in world.tasks(train)}
    tasks = [task.id for task in test.tasks(tested)][: plan.test_tasks]
    shared = sum(task in known for task in tasks)
    if not shared:
        return ""
    return (
        f"note: {shared} of the {len(tasks)} test tasks are also learnt from (split {train!r}); "
        "see --train-split, --test-split and --test-option"
    )


def show_estimate(
    recipe: Recipe,
    world: Environment,
    test: Environment,
    plan: Plan,
    serve: str | None,
    as_json: bool,
) -> None:
    """Play a few episodes and print what the run would cost."""
    from ..training.estimate import estimate

    spec = serve or f"hf:{plan.base}"
    model = model_of(spec, plan.temperature).model_copy(update={"max_tokens": plan.max_tokens})
    cost = asyncio.run(estimate(recipe, world, plan, model, test=test))
    if as_json:
        told = {
            "recipe": recipe.name,
            "options": recipe.options,
            "environment": [world.name, world.options],
            "test": [test.name, test.options],
            "plan": {**plan.as_json(), "iterations": plan.iterations, "patience": plan.patience},
            "estimate": cost.to_dict(),
        }
        print(json.dumps(told, default=str))
        return
    console.print(_plan_table(recipe, world, test, plan))
    console.print(_cost_table(cost))


def _plan_table(recipe: Recipe, world: Environment, test: Environment, plan: Plan) -> Table:
    train, tested = plan.splits(world, test)
    table = Table(title="plan", title_justify="left", show_header=False)
    options = ", ".join(f"{name}={value!r}" for name, value in recipe.options.items())
    method = "all weights" if plan.lora is None else f"LoRA of rank {plan.lora.rank}"
    update = plan.settings
    table.add_row("recipe", f"{recipe.name}: {recipe.summary}" + (f" ({options})" * bool(options)))
    table.add_row("learns from", f"{world.name}, split {train}")
    table.add_row("is tested on", f"{test.name}, split {tested}, {plan.test_tasks} tasks at most")
    table.add_row("starts from", str(plan.base))
    table.add_row("trains", f"{', '.join(recipe.policies)}: {method}")
    table.add_row(
        "updates",
        f"learning rate {update.learning_rate:g}, {update.epochs} "
        f"{'epoch' if update.epochs == 1 else 'epochs'}, "
        f"{update.batch or 'all'} rows a step",
    )
    return table


def _cost_table(cost: Estimate) -> Table:
    table = Table("", "to learn from", "tests", title="cost", title_justify="left")
    parts = (cost.learnt_from, cost.tests)
    table.add_row("episodes", *(f"{played.episodes:,}" for played in parts))
    for words, name in COUNTED.items():
        table.add_row(words, *(_about(p.episodes * getattr(p, name)) for p in parts))
    table.add_section()
    table.add_row("updates, at most", f"{cost.updates}, of {cost.parameters:,} parameters each", "")
    table.add_row("disk, at most", _size(cost.disk), "")
    table.caption = (
        f"Calls, tokens and steps as in {cost.probes} episodes each, played just now with the "
        "model as it is; a policy that learns may write more or less. What the team collects is "
        "as in the first iteration."
    )
    return table


def _about(count: float) -> str:
    """A number with two digits that count."""
    return f"{float(f'{count:.2g}'):,.0f}"


def _size(count: float) -> str:
    for unit in UNITS:
        if count < 1000 or unit == UNITS[-1]:
            return f"{count:.3g} {unit}"
        count /= 1000
    return ""
