"""A training run on the screen while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..training.reports import Board, History, curve_line, iteration_table
from ..training.reports.table import MEASURES
from .console import stderr

if TYPE_CHECKING:
    from ..benchmarks import Environment, Report, Row

NEXT = {"collect": "building rows", "rows": "updating", "update": "updating"}
"""What comes after an arrow."""
ROOM = 8
"""Lines of the screen that are not the table's."""


class Watch:
    """Shows a run: a table of iterations, the test's curve, and what is going on.

    On a terminal it is drawn anew as things happen; elsewhere each iteration is a line.

    Args:
        folder: of the run.
        iterations: that are planned.
        board: gets the curves, too.
        quiet: show nothing.
    """

    def __init__(
        self, folder: Path, iterations: int, *, board: Board | None = None, quiet: bool = False
    ) -> None:
        self.folder, self.iterations = folder, iterations
        self._board, self._quiet = board, quiet
        self._progress = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[won]}"),
            TimeElapsedColumn(),
            console=stderr,
        )
        self._bar = self._progress.add_task("starting", total=None, won="")
        self._history = History.read(folder)
        self._live = Live(console=stderr, get_renderable=self._shown, refresh_per_second=4)
        self._seen = 0

    def __enter__(self) -> Self:
        self._hear_history()
        if stderr.is_terminal and not self._quiet:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.update(self._bar, visible=False)
        self._live.stop()

    def hear(self, arrow: str, iteration: int, measures: Mapping[str, Any]) -> None:
        """Hear of an arrow that has ended."""
        self._hear_history()
        if arrow in NEXT:
            self._now(f"{self._at(iteration + 1)}: {NEXT[arrow]}", None)
        elif arrow == "evaluate" and iteration < self.iterations:
            self._now(f"{self._at(iteration + 1)}: playing", None)
        if stderr.is_terminal or self._quiet:
            return
        if line := self._line(arrow, iteration, measures):
            stderr.print(line, soft_wrap=True)

    async def play(self, team: Any, environment: Environment, *, run: str, **what: Any) -> Report:
        """Play as `evaluate` does, and show how far it is.

        Raises:
            ValueError: every episode ended in an error, so there is nothing to learn.
        """
        from ..benchmarks import evaluate

        played = won = 0

        def heard(episode: Row) -> None:
            nonlocal played, won
            played, won = played + 1, won + episode.success
            self._progress.update(self._bar, advance=1, won=f"{won / played:.0%} solved")

        done = len(what["store"].finished(run)) if run in what["store"].runs() else 0
        self._now(self._named(run), _episodes(environment, what), done)
        report = await evaluate(team, environment, run=run, **what | {"progress": heard})
        if len(report.errors) == len(report.rows):
            raise ValueError(
                f"every episode of {run} ended in an error; the first: {report.errors[0].error}"
            )
        return report

    def _named(self, run: str) -> str:
        kind, _, number = run.partition("-")
        if kind == "collect":
            return f"{self._at(int(number) + 1)}: playing"
        return f"testing after {int(number)}" if kind == "evaluate" else "testing at the end"

    def _line(self, arrow: str, iteration: int, measures: Mapping[str, Any]) -> str:
        """What is told where nothing can be drawn anew; nothing of arrows that say nothing new."""
        match arrow:
            case "evaluate":
                return f"tested after {iteration}: mean score {measures['score']:.3f}"
            case "collect":
                return (
                    f"{self._at(iteration + 1)}: {measures['episodes']} "
                    f"episodes, mean score {measures['score']:.3f}"
                )
            case "rows":
                return "  rows: " + ", ".join(f"{name} {held}" for name, held in measures.items())
            case "update":
                shown = [f"{name} {measures[name]:.3g}" for name in MEASURES if name in measures]
                return f"  updated {measures['policy']}: {', '.join(shown)}"
            case "promote" if measures["back"]:
                return "  undone: the test went worse"
        return ""

    def _at(self, iteration: int) -> str:
        return f"iteration {iteration} of {self.iterations}"

    def _now(self, doing: str, total: int | None, done: int = 0) -> None:
        self._progress.reset(self._bar, description=doing, total=total, completed=done, won="")

    def _hear_history(self) -> None:
        self._history = History.read(self.folder)
        if self._board:
            self._board.show(self._history)

    def _shown(self) -> Group:
        room = max(3, stderr.height - ROOM)
        return Group(
            iteration_table(self._history, room), curve_line(self._history), self._progress
        )


def _episodes(environment: Environment, what: Mapping[str, Any]) -> int:
    """How many episodes `evaluate` will play."""
    tasks = what.get("tasks")
    if tasks is None:
        tasks = environment.tasks(what["split"])[: what["limit"]]
    return len(tasks) * int(what["attempts"])
