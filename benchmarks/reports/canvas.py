"""Empty figures in the page's style, and how they become part of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#2f7fc1", "#c8641e", "#2a8f6d", "#b4559b", "#98781a", "#7068c9", "#c8505f", "#6f7a86")
"""One a team; like all colours here, 3:1 at least from the page in either theme."""
TEXT, GRID = "#010203", "#010204"
"""Stand-ins in the plots for the page's own colours, which change with its theme."""
LABEL_LENGTH = 26
"""Characters of a name in a plot."""
WIDTH = 5.0
"""Of a plot, in inches: small, so that its text can be read on a phone."""
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "symposia",
    "text.parse_math": False,
    "font.size": 9.5,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": GRID,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
"""For matplotlib. With a fixed salt the same reports give the same page."""


@dataclass(frozen=True, slots=True)
class Team:
    """One report on the page."""

    label: str
    color: str
    report: Report


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture and the same in words."""

    title: str
    note: str
    """What is to be seen, in a sentence."""
    svg: str
    text: str
    """The figures, for those who do not see the picture."""
    legend: Sequence[tuple[str, str]]
    """Labels with their colours."""


def new_figure(height: float) -> tuple[Figure, Axes]:
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(color=GRID, alpha=0.3, lw=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def svg(figure: Figure) -> str:
    """The figure's `svg` element, with the page's colours and without ids that could clash."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace(TEXT, "currentColor").replace(GRID, "var(--line)")
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    return re.sub(r'(<g) id="[^"]*"', r"\1", drawn).replace("<svg", '<svg aria-hidden="true"', 1)


def legend(teams: Sequence[Team]) -> list[tuple[str, str]]:
    """The teams and their colours."""
    return [(team.label, team.color) for team in teams]


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Rows from top to bottom, without a grid along them."""
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def short(name: str) -> str:
    """A name that fits beside a plot."""
    name = "".join(c if c.isprintable() else " " for c in name)
    return name if len(name) <= LABEL_LENGTH else name[: LABEL_LENGTH - 1] + "…"


def percent(value: float, _: Any = None) -> str:
    """A share as matplotlib's axes want it written."""
    return f"{value:.0%}"
