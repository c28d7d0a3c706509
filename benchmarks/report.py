"""What came of a run: one row an episode, and what they add up to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from ..episodes import Episode
from .statistics import wilson

COLUMNS = ("solved", "rate", "95 % interval", "steps", "calls", "tokens", "seconds", "cost")


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

    @classmethod
    def of(cls, episode: Episode) -> Row:
        total = episode.total
        return cls(
            task=episode.task,
            attempt=episode.attempt,
            kind=episode.kind,
            score=episode.outcome.score,
            success=episode.outcome.success,
            stop=episode.outcome.stop,
            error=episode.outcome.error,
            steps=sum(step.action is not None for step in episode.steps),
            calls=total.calls,
            prompt_tokens=total.prompt_tokens,
            completion_tokens=total.completion_tokens,
            unreadable=sum(turn.unreadable for turn in episode.turns),
            seconds=episode.seconds,
            cost=total.total_cost,
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a group of episodes."""

    episodes: int
    successes: int
    rate: float
    """Share of successes."""
    interval: tuple[float, float]
    """95 % Wilson interval of the rate."""
    score: float
    """Mean score."""
    steps: float
    """Mean actions in the world; the calls, tokens and seconds are means as well."""
    calls: float
    tokens: float
    seconds: float
    cost: float | None
    """US dollars in all; None when the cost of any call is unknown."""

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Summary:
        count = len(rows)
        successes = sum(row.success for row in rows)

        costs = [row.cost for row in rows if row.cost is not None]

        def mean(values: Any) -> float:
            return sum(values) / count if count else 0.0

        return cls(
            episodes=count,
            successes=successes,
            rate=successes / count if count else 0.0,
            interval=wilson(successes, count),
            score=mean(row.score for row in rows),
            steps=mean(row.steps for row in rows),
            calls=mean(row.calls for row in rows),
            tokens=mean(row.prompt_tokens + row.completion_tokens for row in rows),
            seconds=mean(row.seconds for row in rows),
            cost=sum(costs) if len(costs) == count else None,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `evaluate`."""

    run: str
    team: str
    environment: str
    rows: Sequence[Row]
    """One per episode, in the order of the tasks."""
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> Summary:
        """All episodes together."""
        return Summary.of(self.rows)

    @property
    def kinds(self) -> dict[str, Summary]:
        """Per kind of task, in alphabetical order; empty when the tasks have no kinds."""
        kinds = sorted({row.kind for row in self.rows} - {""})
        return {kind: Summary.of([r for r in self.rows if r.kind == kind]) for kind in kinds}

    @property
    def stops(self) -> dict[str, int]:
        """Why episodes ended, most frequent first."""
        return dict(Counter(row.stop for row in self.rows).most_common())

    @property
    def errors(self) -> list[Row]:
        """Episodes that an error ended."""
        return [row for row in self.rows if row.error]

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "run": self.run,
            "team": self.team,
            "environment": self.environment,
            "summary": asdict(self.summary),
            "kinds": {kind: asdict(summary) for kind, summary in self.kinds.items()},
            "stops": self.stops,
            "episodes": [asdict(row) for row in self.rows],
            "manifest": self.manifest,
        }

    def to_json(self) -> str:
        """Everything, as JSON text."""
        return json.dumps(self.to_dict())

    def to_html(self, path: str | Path) -> Path:
        """Write a page with tables and plots; see `write_html`, which also compares teams."""
        from .html import write_html

        return write_html([self], path, title=f"{self.team} on {self.environment}")

    def table(self) -> Table:
        """A table for the terminal: a line per kind of task, and one for all."""
        title = Text(f"{self.team} on {self.environment}", "table.title")
        table = Table(title=title, title_justify="left")
        table.add_column("task type")
        for name in COLUMNS:
            table.add_column(name, justify="right")
        for kind, summary in self.kinds.items():
            table.add_row(Text(kind), *figures(summary), dollars(summary.cost))
        table.add_section()
        table.add_row("all", *figures(self.summary), dollars(self.summary.cost), style="bold")
        if stopped := self.manifest.get("stopped"):
            table.caption = Text(f"Ended early: {stopped} after {len(self.rows)} episodes", "red")
        if self.errors:
            first = self.errors[0]
            table.caption = Text(
                f"{len(self.errors)} of {len(self.rows)} episodes ended in an error; the first, "
                f"{first.task}: {first.error}",
                "red",
            )
        return table


def compare(reports: Sequence[Report]) -> Table:
    """A table of several teams, a line each."""
    table = Table(title="comparison", title_justify="left")
    table.add_column("team")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for report in reports:
        summary = report.summary
        table.add_row(Text(report.team), *figures(summary), dollars(summary.cost))
    return table


def figures(summary: Summary) -> tuple[str, ...]:
    """The cells of a summary's line."""
    low, high = summary.interval
    return (
        f"{summary.successes}/{summary.episodes}",
        f"{summary.rate:.0%}",
        f"{low:.0%} - {high:.0%}",
        f"{summary.steps:.1f}",
        f"{summary.calls:.1f}",
        f"{summary.tokens:,.0f}",
        f"{summary.seconds:.1f}",
    )


def dollars(cost: float | None) -> str:
    """A sum of money, with cents or, where it is small, their hundredths."""
    if cost is None:
        return "unknown"
    return f"${cost:.4f}" if 0 < cost < 0.1 else f"${cost:,.2f}"
