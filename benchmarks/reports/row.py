"""One episode in a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...episodes import Episode, Step
from .failures import failure


@dataclass(frozen=True, slots=True)
class Row:
    """One episode in a report."""

    task: str
    attempt: int
    kind: str
    score: float
    success: bool
    stop: str
    error: str
    steps: int
    """Actions taken in the world."""
    calls: int
    """Model calls."""
    prompt_tokens: int
    completion_tokens: int
    unreadable: int
    """Replies that could not be read."""
    seconds: float
    cost: float | None
    """US dollars; None when the cost of any call is unknown."""
    invalid: int = 0
    """Actions that the world could make nothing of, where it says so."""
    repeated: int = 0
    """Actions that had met the very same answer before."""
    remarks: dict[str, Any] = field(default_factory=dict, hash=False)
    """What the world told with its last answer: parts of the reward, the sort of a mistake, ..."""

    @property
    def mistake(self) -> str:
        """What the world calls the mistake that was made; empty where it calls it nothing."""
        named = self.remarks.get("mistake")
        return named if isinstance(named, str) and not self.success else ""

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def failure(self) -> str:
        """Why it was not solved, one of `FAILURES`; empty when it was."""
        if self.success:
            return ""
        return failure(self.stop, self.error, self.steps, self.invalid, self.repeated)

    @classmethod
    def of(cls, episode: Episode) -> Row:
        total = episode.total
        steps = [step for step in episode.steps if step.action is not None]
        return cls(
            task=episode.task,
            attempt=episode.attempt,
            kind=episode.kind,
            score=episode.outcome.score,
            success=episode.outcome.success,
            stop=episode.outcome.stop,
            error=episode.outcome.error,
            steps=len(steps),
            calls=total.calls,
            prompt_tokens=total.prompt_tokens,
            completion_tokens=total.completion_tokens,
            unreadable=sum(turn.unreadable for turn in episode.turns),
            seconds=episode.seconds,
            cost=total.total_cost,
            invalid=sum(not step.valid for step in steps),
            repeated=_repeated(steps),
            remarks=steps[-1].remarks if steps else {},
        )


def by_task(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The episodes of each task."""
    tasks: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        tasks[row.task].append(row)
    return tasks


def _repeated(steps: Sequence[Step]) -> int:
    """How many actions had met the very same answer before."""
    return len(steps) - len({(step.action, step.text) for step in steps})
