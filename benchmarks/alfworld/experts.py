"""The experts by name: who tells, in every situation, what to do next."""

from __future__ import annotations

from typing import Protocol

from .engine import Engine, View
from .expert import SearchExpert
from .handcoded import HandCodedExpert

EXPERTS = ("handcoded", "planner", "search")
"""The official ones under their official names, and ours, which reads nothing but the text."""


class Expert(Protocol):
    """Advises in one game. It can be copied and pickled, and so returns with a snapshot."""

    def advise(self, engine: Engine, view: View, command: str | None) -> list[str]:
        """What to do next, and after that if it is known; empty when the expert gives up.

        Args:
            view: what is shown now.
            command: what was done last, by whomever; None at the start.
        """


def make_expert(name: str, first_observation: str) -> Expert:
    """The expert called `name`, at the start of a game.

    Raises:
        ValueError: the task sentence is none that it knows.
    """
    if name == "planner":
        return Planner()
    if name == "handcoded":
        return HandCodedExpert(first_observation)
    return Searcher(first_observation)


class Planner:
    """The planner of the engine: a plan from the full state, made anew when it is not followed."""

    def __init__(self) -> None:
        self._plan: list[str] = []

    def advise(self, engine: Engine, view: View, command: str | None) -> list[str]:
        if view.won:
            self._plan = []
        elif command is None or [command] != self._plan[:1] or len(self._plan) < 2:
            self._plan = engine.plan()
        else:
            self._plan = self._plan[1:]
        return list(self._plan)


class Searcher:
    """`SearchExpert`, which knows only what the agent reads."""

    def __init__(self, first_observation: str) -> None:
        self._expert = SearchExpert(first_observation)

    def advise(self, engine: Engine, view: View, command: str | None) -> list[str]:
        if command is not None:
            self._expert.observe(command, view.text)
        return [self._expert.next_action()]
