"""The episode: everything that a team did on one task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .ledger import Usage
from .turn import Step, ToolCall, Turn


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an episode ended."""

    score: float = 0.0
    """In [0, 1]."""
    success: bool = False
    stop: str = ""
    """Why it ended: `solved`, `failed`, `step limit`, `budget of ... is spent`, `error`, ..."""
    measures: dict[str, float] = field(default_factory=dict)
    """Further named measures of the scorer."""
    error: str = ""
    """The exception that ended it, if one did."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"an outcome's score lies in [0, 1], not {self.score}")


@dataclass(frozen=True, slots=True)
class Episode:
    """Every turn of one task, as a tree (`Turn.parent`), with observations, tools and outcome.

    `(run, task, attempt)` names an episode; a store keeps one of each.
    """

    run: str
    task: str
    """The task's id."""
    attempt: int = 0
    kind: str = ""
    """The task's kind."""
    team: str = ""
    seed: int = 0
    prompt: str = ""
    """The task's prompt. Its reference is never recorded."""
    answer: str = ""
    turns: tuple[Turn, ...] = ()
    steps: tuple[Step, ...] = ()
    tools: tuple[ToolCall, ...] = ()
    findings: dict[str, Any] = field(default_factory=dict)
    """What the team leaves to whoever reads the record: JSON, such as the tree of a search."""
    usage: dict[str, Usage] = field(default_factory=dict)
    """What each agent spent."""
    outcome: Outcome = field(default_factory=Outcome)
    started: float = 0.0
    """Unix time."""
    seconds: float = 0.0

    @property
    def total(self) -> Usage:
        """What all agents spent together."""
        return sum(self.usage.values(), Usage())

    def children(self, turn: str | None) -> list[Turn]:
        """The turns that followed `turn`, or the first ones for None."""
        return [t for t in self.turns if t.parent == turn]

    def path(self, turn: Turn) -> list[Turn]:
        """The turns from the root to `turn`."""
        by_id = {t.id: t for t in self.turns}
        path = [turn]
        while path[-1].parent is not None:
            path.append(by_id[path[-1].parent])
        return path[::-1]
