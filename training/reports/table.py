"""A run on the terminal: a line an iteration, and the test's curve in one line of bars."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from .history import History, Iteration

BARS = "▁▂▃▄▅▆▇█"
MEASURES = ("loss", "mismatch")
"""Measures of updates that have a column."""


def iteration_table(history: History, last: int | None = None) -> Table:
    """The iterations as a table.

    Args:
        history: the run so far.
        last: show only so many, the latest.
    """
    table = Table("iteration", "played", "rows", *MEASURES, "test", box=None, pad_edge=False)
    for column in table.columns:
        column.justify = "right"
    for each in history.iterations if last is None else history.iterations[-last:]:
        table.add_row(*_cells(each))
    return table


def curve_line(history: History) -> Text:
    """The test's scores as bars, from the first to the last."""
    tests = history.tests
    if not tests:
        return Text()
    scores = [score for _, score in tests]
    words = f"  {_share(scores[0])} → {_share(scores[-1])}, best {_share(max(scores))}"
    return Text.assemble("test  ", (sparkline(scores), "bold cyan"), words)


def sparkline(values: Sequence[float]) -> str:
    """Values as bars: from 0, or the least if that is lower, to 1, or the highest."""
    low, high = min(0.0, *values), max(1.0, *values)
    return "".join(BARS[round((value - low) / (high - low) * (len(BARS) - 1))] for value in values)


def _cells(each: Iteration) -> list[str | Text]:
    rows = each.rows or {}
    counts = " ".join(map(str, rows.values())) if len(rows) < 5 else f"{sum(rows.values())} in all"
    measures = [each.mean(name) for name in MEASURES]
    tested: str | Text = "" if each.tested is None else _share(each.tested)
    if each.back:
        tested = Text(f"{tested} undone", "yellow")
    return [
        str(each.number) if each.number else "start",
        "" if each.collected is None else _share(each.collected),
        counts,
        *("" if value is None else f"{value:.3g}" for value in measures),
        tested,
    ]


def _share(score: float) -> str:
    return f"{100 * score:.1f} %"
