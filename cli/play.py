"""The command `symposia play`: an environment by hand, or from a list of actions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from .console import console, plain_errors
from .making import settings_of, world_of
from .options import AsJson, Data, Options

if TYPE_CHECKING:
    from ..benchmarks import Environment
    from ..episodes import Observation, Task

commands = typer.Typer()


@commands.command(
    "play",
    epilog="Examples: `symposia play alfworld` · "
    "`symposia play alfworld --task 3 --actions actions.txt --json`",
)
def play_command(
    environment: Annotated[
        str,
        typer.Argument(help="A name (`symposia environments`), or your own as module:Class."),
    ],
    data: Data = None,
    split: Annotated[str | None, typer.Option(help="Else the environment's choice.")] = None,
    task: Annotated[
        str, typer.Option(help="An index, a task id, or (ALFWorld) the path of a game file.")
    ] = "0",
    actions: Annotated[Path | None, typer.Option(help="A file with one action a line.")] = None,
    option: Options = None,
    as_json: AsJson = False,
) -> None:
    """Play an environment yourself, or script it with `--actions`."""
    with plain_errors():
        if as_json and actions is None:
            raise ValueError("--json is for scripted play: add --actions FILE")
    with plain_errors(), world_of(environment, settings_of(data, option)) as world:
        chosen = _task(world, split, task)
        if actions is None:
            interactive(world, chosen, console)
            return
        lines = actions.read_text(encoding="utf-8").splitlines()
        for record in scripted(world, chosen, [line for line in lines if line.strip()]):
            if as_json:
                print(json.dumps(record), flush=True)
            else:
                said = f"> {record['action']}" if record["action"] else ""
                console.print(said, style="bold")
                console.print(record["text"])
        if record["done"] and not as_json:
            console.print(the_end(record["reward"]), style="bold")


def scripted(
    environment: Environment, task: Task, actions: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """What the world shows at the reset and after each action, until the list or the task ends."""
    seen = environment.reset(task)
    yield _record(None, seen)
    for action in actions:
        if seen.done:
            return
        seen = environment.step(action)
        yield _record(action, seen)


def interactive(environment: Environment, task: Task, console: Console) -> None:
    """A game in the terminal; `?` lists what can be done, `quit` ends it.

    Args:
        console: one that prints text as it is, without markup.
    """
    seen = environment.reset(task)
    console.print(environment.instructions_for(task), style="dim")
    console.print("? lists what can be done, quit leaves.", style="dim")
    console.print(seen.text)
    while not seen.done:
        try:
            action = console.input("[bold]> [/]").strip()
        except (EOFError, KeyboardInterrupt):
            console.print()
            return
        if action == "quit":
            return
        if action == "?":
            listed = "\n".join(seen.admissible) or "This world lists no actions."
            console.print(listed, style="dim")
        elif action:
            seen = environment.step(action)
            console.print(seen.text)
    console.print(the_end(seen.reward), style="bold")


def the_end(reward: float) -> str:
    """What a player is told when the task is over."""
    return f"The end. Reward {reward:g}."


def _record(action: str | None, seen: Observation) -> dict[str, Any]:
    return {
        "action": action,
        "text": seen.text,
        "admissible": list(seen.admissible),
        "reward": seen.reward,
        "done": seen.done,
    }


def _task(environment: Environment, split: str | None, wanted: str) -> Any:
    """The task at an index, with an id, or in a game file."""
    from_file = getattr(environment, "task_from_file", None)
    if from_file is not None and Path(wanted).is_file():
        return from_file(wanted)
    split = split or environment.default_split
    tasks = environment.tasks(split)
    if wanted.isdecimal() and int(wanted) < len(tasks):
        return tasks[int(wanted)]
    for task in tasks:
        if task.id == wanted:
            return task
    example = f", for example {tasks[0].id!r}" if tasks else ""
    raise ValueError(
        f"no task {wanted!r} in split {split!r}: give an index below {len(tasks)}"
        f" or a task id{example}"
    )
