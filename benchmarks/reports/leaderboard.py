"""The leaderboard: a file with one line of JSON a run, that says what came of it and what it was.

A line is enough to rank runs and to tell whether they may be ranked: the run's settings with their
digest, versions, seed and intervals. A run that is done again with the same settings replaces its
line. The file is written whole beside itself and then moved into place, under a lock, so that a
killed process damages nothing and many runs may write to one file. A line that cannot be read is
left out with a warning that names it, and stays in the file.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.table import Table
from rich.text import Text

from .intervals import Interval, bootstrap
from .report import Report
from .row import by_task
from .summary import dollars, share
from .tables import new_table

log = logging.getLogger(__name__)

FILE = "leaderboard.jsonl"
"""The file's name in a store's folder."""
COLUMNS = ("episodes", "success (95 %)", "score", "tokens", "cost")


class Entry(BaseModel):
    """One run on a leaderboard. Fields that a later version may add are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    run: str
    digest: str
    """Of the run's settings: a hash of the manifest's config."""
    environment: str
    split: str = ""
    team: str
    model: str = ""
    seed: int | None = None
    tasks: int
    episodes: int
    attempts: int
    """The fewest that any task has had."""
    successes: int
    rate: float
    interval: Interval
    """95 %, Wilson's."""
    score: float
    score_interval: Interval
    """95 %, bootstrap, drawing tasks."""
    pass_at: tuple[float, ...]
    """pass@k for k = 1, 2, ..."""
    pass_hat: tuple[float, ...]
    """pass^k."""
    failures: dict[str, int]
    steps: float
    """Mean per episode, and so are the calls and seconds."""
    calls: float
    seconds: float
    tokens: int
    """In all."""
    cost: float | None
    """US dollars in all; None where it is unknown."""
    stopped: str = ""
    """Why it ended early; empty for a whole run."""
    approximate: tuple[str, ...] = ()
    """Settings of the environment that are only approximate."""
    config: dict[str, Any]
    python: str | None = None
    packages: dict[str, str | None] = {}
    git: str | None = None
    finished: str
    """When the line was written, in UTC."""

    @classmethod
    def of(cls, report: Report) -> Entry:
        """The line of a run.

        Raises:
            ValueError: the run has no episodes.
        """
        if not report.rows:
            raise ValueError(f"run {report.run!r} has no episodes to put on a leaderboard")
        summary, points = report.summary, report.curve
        about = json.loads(json.dumps(report.manifest, default=str))
        config = about.get("config", {})
        tasks = by_task(report.rows)
        return cls(
            run=report.run,
            digest=hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16],
            environment=report.environment,
            split=str(config.get("split", "")),
            team=report.team,
            model=str(config.get("model", "")),
            seed=config.get("seed"),
            tasks=len(tasks),
            episodes=summary.episodes,
            attempts=len(points),
            successes=summary.successes,
            rate=summary.rate,
            interval=summary.interval,
            score=summary.score,
            score_interval=bootstrap([[row.score for row in rows] for rows in tasks.values()]),
            pass_at=tuple(point.pass_at for point in points),
            pass_hat=tuple(point.pass_hat for point in points),
            failures=report.failures,
            approximate=tuple(report.approximate),
            steps=summary.steps,
            calls=summary.calls,
            seconds=summary.seconds,
            tokens=summary.total_tokens,
            cost=summary.cost,
            stopped=about.get("stopped", ""),
            config=config,
            python=about.get("python"),
            packages=about.get("packages", {}),
            git=about.get("git"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )


class Leaderboard:
    """A leaderboard file.

    Args:
        path: the file, or a store's folder, which then holds `leaderboard.jsonl`.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if path.suffix == ".db":
            path = path.parent
        self.path = path if path.suffix == ".jsonl" else path / FILE

    def entries(self) -> list[Entry]:
        """The lines that can be read, in the order in which they came; none where there is no
        file."""
        return [entry for _, entry in self._lines() if entry is not None]

    def add(self, report: Report) -> Entry:
        """Write the line of a run; it replaces that of the same run with the same settings.

        Raises:
            ValueError: the run has no episodes.
        """
        entry = Entry.of(report)
        with self._locked():
            kept = [
                line
                for line, held in self._lines()
                if held is None or (held.run, held.digest) != (entry.run, entry.digest)
            ]
            draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            draft.write_bytes(
                b"".join(b"%s\n" % line for line in (*kept, entry.model_dump_json().encode()))
            )
            os.replace(draft, self.path)
        return entry

    def tables(self) -> list[Table]:
        """For the terminal: a table for each environment and split, the best run first."""
        tables = []
        for (environment, split), entries in groupby(
            ranked(self.entries()), lambda entry: (entry.environment, entry.split)
        ):
            title = f"{environment}, split {split}" if split else environment
            table = new_table(title, ["run", "team", "model"], COLUMNS)
            for entry in entries:
                table.add_row(*map(Text, _cells(entry)))
            tables.append(table)
        return tables

    def _lines(self) -> Iterator[tuple[bytes, Entry | None]]:
        """Each line as it stands in the file, and its entry where it is one."""
        content = self.path.read_bytes() if self.path.exists() else b""
        for number, line in enumerate(content.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                yield line, Entry.model_validate_json(line)
            except ValidationError as error:
                wrong = error.errors()[0]
                reason = ": ".join([*map(str, wrong["loc"]), wrong["msg"]])
                log.warning(
                    "%s, line %d is no leaderboard entry and is left out (%s): mend or delete it",
                    self.path,
                    number,
                    reason,
                )
                yield line, None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """By environment and split, and in these the highest rate, then the highest score, first."""
    return sorted(entries, key=lambda e: (e.environment, e.split, -e.rate, -e.score, e.run))


def _cells(entry: Entry) -> tuple[str, ...]:
    facts = {"ended early": entry.stopped, "approximate": entry.approximate}
    marks = [mark for mark, holds in facts.items() if holds]
    return (
        f"{entry.run} ({', '.join(marks)})" if marks else entry.run,
        entry.team,
        entry.model,
        str(entry.episodes),
        share(entry.rate, entry.interval),
        f"{entry.score:.2f}",
        f"{entry.tokens:,}",
        dollars(entry.cost),
    )
