"""A task: one problem for a team to solve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Task:
    """One problem.

    The `reference` is for scorers only: it is left out of `repr`, of every prompt and of every
    record, so that a gold answer cannot leak into what an agent reads.
    """

    id: str
    """Unique within its benchmark, stable between runs, for example `alfworld:valid_seen/...`."""
    prompt: str
    """What the agent is asked, in words."""
    kind: str = ""
    """The stratum that reports group by (a task type, a difficulty); empty where there is none."""
    data: dict[str, Any] = field(default_factory=dict)
    """What the environment needs to set the problem up. JSON values only."""
    reference: Any = field(default=None, repr=False, compare=False)
    """The gold answer, tests or goal; read by scorers, never rendered."""
