"""The live bar of a run: how far, how well, how fast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .reports import Row


class ProgressBar:
    """Counts episodes; shows the success rate so far and completion tokens per second.

    Args:
        title: what is being run.
        total: episodes in all.
        done: those that an earlier start of this run finished.
    """

    def __init__(self, title: str, total: int, done: Iterable[Row] = ()) -> None:
        self._rows = list(done)
        self._earlier = len(self._rows)
        self._progress = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[success]}"),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._bar = self._progress.add_task(
            title, total=total, completed=self._earlier, success=self._success(), speed=""
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def __call__(self, episode: Row) -> None:
        self._rows.append(episode)
        elapsed = self._progress.tasks[0].elapsed or 0.0
        tokens = sum(row.completion_tokens for row in self._rows[self._earlier :])
        speed = f"{tokens / elapsed:,.0f} tokens/s" if elapsed > 0 and tokens else ""
        self._progress.update(self._bar, advance=1, success=self._success(), speed=speed)

    def _success(self) -> str:
        if not self._rows:
            return ""
        won = sum(row.success for row in self._rows)
        return f"{won}/{len(self._rows)} solved ({won / len(self._rows):.0%})"
