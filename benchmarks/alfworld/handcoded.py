"""ALFWorld's own hand-coded expert, as its package ships it and as its `AlfredExpert` asks it.

It sees what an agent sees, and of the state what is true of its object and which commands are
admissible. Two things differ. The package still looks for `put` in the last action, though its
games have said `move` since 0.4, and so forgets that its hands are free; here it is told `put`.
And it draws from a generator of its own, so that a game always goes the same way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .engine import Engine, View
from .expert import Goal
from .wording import reword

MOST_STEPS = 200
"""After which it gives up, as in `AlfredExpert`."""


@dataclass(frozen=True, slots=True)
class _Fact:
    """A fact in the form in which the expert reads it."""

    name: str
    names: tuple[str, ...]


class HandCodedExpert:
    """Plays one game with the packaged expert.

    Args:
        first_observation: the text of the first observation.

    Raises:
        ValueError: the task sentence is none of ALFRED's.
    """

    def __init__(self, first_observation: str) -> None:
        from alfworld.agents.expert import HandCodedTWAgent

        goal = Goal.read(first_observation)
        task = {
            "task_type": goal.task_type,
            "object_target": goal.thing,
            "parent_target": goal.target,
            "toggle_target": goal.lamp,
        }
        self._policy: Any = HandCodedTWAgent().get_task_policy(task)(task, max_steps=MOST_STEPS)
        self._policy.observe(first_observation)
        self._random = random.Random(first_observation)

    def advise(self, engine: Engine, view: View, command: str | None) -> list[str]:
        """What to do next, after `command` has led to `view`; empty when the expert gives up."""
        if command is None:
            return ["look"]
        admissible = {reword(each, "move"): each for each in view.commands}
        state = {
            "feedback": view.text,
            "facts": _facts(engine),
            "admissible_commands": list(admissible),
        }
        last = reword(command, "move")
        try:
            with _drawing_from(self._random):
                action = self._policy.act(state, reword(command, "put"))
        except Exception:  # it times out and gives up by exceptions, and falls over lists
            return []
        if action == last or (last == "look" and action not in admissible):
            action = self._random.choice(list(admissible))
        return [admissible.get(action, "look")]


def _facts(engine: Engine) -> list[_Fact]:
    names = engine.names
    facts = [_Fact(name, tuple(names.get(each, each) for each in of)) for name, *of in engine.facts]
    return sorted(facts, key=lambda fact: (fact.name, fact.names))


@contextmanager
def _drawing_from(generator: random.Random) -> Iterator[None]:
    """Let the module's own functions draw from `generator`, and leave them as they were."""
    before = random.getstate()
    random.setstate(generator.getstate())
    try:
        yield
    finally:
        generator.setstate(random.getstate())
        random.setstate(before)
