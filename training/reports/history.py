"""What a run has done so far, read from its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Iteration:
    """What came of one iteration; None where it has not come so far."""

    number: int
    """From 1; 0 is the start, where there is a test alone."""
    collected: float | None = None
    """Mean score of the episodes that were learnt from."""
    rows: Mapping[str, int] | None = None
    """By policy."""
    updates: Mapping[str, Mapping[str, float]] | None = None
    """By policy, what its update measured; a policy without rows has none."""
    tested: float | None = None
    """Mean score on the test tasks."""
    back: bool = False
    """Whether it was undone, because the test went worse."""

    def mean(self, measure: str) -> float | None:
        """A measure of the updates, a mean over the policies that have it."""
        values = [held[measure] for held in (self.updates or {}).values() if measure in held]
        return sum(values) / len(values) if values else None


@dataclass(frozen=True, slots=True)
class History:
    """A run so far."""

    plan: Mapping[str, Any]
    """As it was begun: recipe, environment, and what the user chose."""
    iterations: Sequence[Iteration]
    """The start first."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The run in a folder; one that is about to begin has no iterations.

        Raises:
            ValueError: a file of the run is damaged.
        """
        found = []
        for number in count():
            iteration = _iteration(folder / "iterations", number)
            if iteration is None:
                break
            found.append(iteration)
        return cls(_read(folder / "plan.json"), found)

    @property
    def tests(self) -> list[tuple[int, float]]:
        """Mean scores on the test tasks, after so many iterations."""
        return [(each.number, each.tested) for each in self.iterations if each.tested is not None]

    @property
    def measures(self) -> list[str]:
        """What the updates measured, by name."""
        updates = [held for each in self.iterations for held in (each.updates or {}).values()]
        return sorted({name for held in updates for name in held})


def _iteration(folder: Path, number: int) -> Iteration | None:
    """The folder of an iteration counts from 0, what it is tested with from 1."""
    tested = _read(folder / f"{number:04d}" / "evaluate.json")
    if number == 0:
        return Iteration(0, tested=tested["score"]) if tested else None
    at = folder / f"{number - 1:04d}"
    rows = _read(at / "rows.json")
    if not rows:
        return None
    update, promoted = _read(at / "update.json"), _read(at / "promote.json")
    return Iteration(
        number=number,
        collected=rows["score"],
        rows=rows["counts"],
        updates=update["measures"] if update else None,
        tested=tested["score"] if tested else None,
        back=bool(promoted.get("back")),
    )


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        held: dict[str, Any] = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{file} is damaged: {error}") from error
    return held
