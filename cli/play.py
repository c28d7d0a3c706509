"""Playing an environment by hand or from a list of actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console

from ..benchmarks import Environment
from ..episodes import Observation, Task


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
