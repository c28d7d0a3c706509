"""What came of a run: one row an episode, and what they add up to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from ...episodes import EpisodeStore
from .attempts import Point, curve
from .failures import FAILURES
from .row import Row, by_task
from .summary import Summary, cells, columns
from .tables import new_table

APPROXIMATE = "approximate"
"""The value of an option by which an environment says that something is not as officially."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `evaluate`."""

    run: str
    team: str
    environment: str
    rows: Sequence[Row]
    """One per episode, in the order of the tasks."""
    manifest: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def stored(cls, store: EpisodeStore, run: str) -> Report:
        """The report of a run, finished or not, from the store that it was written to.

        Its rows are in the order of the tasks' ids.

        Raises:
            KeyError: there is no such run; the message lists those there are.
        """
        manifest = store.manifest(run)
        config = manifest.get("config", {})
        rows = [Row.of(episode) for episode in store.episodes(run)]
        team, environment = (str(config.get(key, "")) for key in ("team", "environment"))
        return cls(run, team, environment, rows, manifest)

    @property
    def summary(self) -> Summary:
        """All episodes together."""
        return Summary.of(self.rows)

    @property
    def graded(self) -> bool:
        """Whether a score lies between 0 and 1."""
        return any(0 < row.score < 1 for row in self.rows)

    @property
    def kinds(self) -> dict[str, Summary]:
        """Per kind of task, in alphabetical order; empty when the tasks have no kinds."""
        kinds = sorted({row.kind for row in self.rows} - {""})
        return {kind: self.of_kind(kind).summary for kind in kinds}

    def of_kind(self, kind: str) -> Report:
        """The report with the tasks of one kind only."""
        return replace(self, rows=[row for row in self.rows if row.kind == kind])

    @property
    def stops(self) -> dict[str, int]:
        """Why episodes ended, most frequent first."""
        return dict(Counter(row.stop for row in self.rows).most_common())

    @property
    def failures(self) -> dict[str, int]:
        """How many episodes failed of which cause, in the order of `FAILURES`."""
        counts = Counter(row.failure for row in self.rows)
        return {cause: counts[cause] for cause in FAILURES if counts[cause]}

    @property
    def mistakes(self) -> dict[str, int]:
        """What worlds call the mistakes in episodes that failed, most frequent first."""
        return dict(Counter(row.mistake for row in self.rows if row.mistake).most_common())

    @property
    def curve(self) -> list[Point]:
        """pass@k, pass^k and the best of k, for each k up to the fewest attempts of any task."""
        tasks = by_task(self.rows).values()
        return curve([(row.success, row.score) for row in task] for task in tasks)

    @property
    def approximate(self) -> list[str]:
        """Settings of the environment that are only approximate, WebShop's rewards for example:
        scores do not compare with published ones then."""
        options = self.manifest.get("config", {}).get("options") or {}
        return [name for name, value in options.items() if value == APPROXIMATE]

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
            "failures": self.failures,
            "mistakes": self.mistakes,
            "curve": [asdict(point) for point in self.curve],
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
        table = new_table(f"{self.team} on {self.environment}", ["task type"], columns(self.graded))
        for kind, summary in self.kinds.items():
            table.add_row(Text(kind), *cells(summary, self.graded))
        table.add_section()
        table.add_row("all", *cells(self.summary, self.graded), style="bold")
        table.caption = Text("\n").join(self._notes()) or None
        return table

    def _notes(self) -> list[Text]:
        """What the figures do not say."""
        notes = []
        if len(self.curve) > 1:
            last = self.curve[-1]
            notes.append(
                f"pass@{last.k} {last.pass_at:.0%}, pass^{last.k} {last.pass_hat:.0%}, "
                f"best score of {last.k} {last.best:.2f}"
            )
        if self.failures:
            causes = ", ".join(f"{cause} {count}" for cause, count in self.failures.items())
            notes.append(f"failures: {causes}")
        if self.mistakes:
            words = ", ".join(f"{mistake} {count}" for mistake, count in self.mistakes.items())
            notes.append(f"mistakes: {words}")
        bad = [f"Approximate: {', '.join(self.approximate)}"] if self.approximate else []
        if stopped := self.manifest.get("stopped"):
            bad.append(f"Ended early: {stopped} after {len(self.rows)} episodes")
        if self.errors:
            first = self.errors[0]
            bad.append(
                f"{len(self.errors)} of {len(self.rows)} episodes ended in an error; the first, "
                f"{first.task}: {first.error}"
            )
        return [*map(Text, notes), *(Text(note, "red") for note in bad)]


def labels(reports: Sequence[Report]) -> list[str]:
    """Names that tell the reports apart: the team's, with the run's where teams share a name."""
    times = Counter(report.team for report in reports)
    return [
        report.team if times[report.team] == 1 else f"{report.team} ({report.run})"
        for report in reports
    ]
