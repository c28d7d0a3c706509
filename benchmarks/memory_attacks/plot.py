"""The picture of an attack run: what comes through, and from which share on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..reports.canvas import COLORS, percent
from .report import AttackReport, named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, ROW, HEIGHT = 11.0, 0.3, 2.2
"""Inches: of the picture, of one attack, and of what stands around them."""
OFFSET = 0.004
"""Between the points of two defences at one share, so that both can be seen."""


def save_plot(report: AttackReport, file: Path) -> None:
    """Draw ASR-t of every attack against every defence, and the curve where it was measured.

    Args:
        file: its ending says what kind of picture it is: `.png`, `.svg`, `.pdf`.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: the ending is not that of a picture.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "symposia[view]"') from error
    attacks = dict.fromkeys(cell.attack for cell in report.cells)
    figure = Figure(figsize=(WIDTH, HEIGHT + ROW * len(attacks)), layout="constrained")
    panels = figure.subplots(1, 2 if report.points else 1, squeeze=False)[0]
    _draw_cells(panels[0], report)
    if report.points:
        _draw_curve(panels[1], report)
    figure.savefig(file, dpi=150)


def _draw_cells(axes: Axes, report: AttackReport) -> None:
    cells = report.cells
    attacks = list(dict.fromkeys(cell.attack for cell in cells))
    defences = list(dict.fromkeys(cell.defence for cell in cells))
    values = {(cell.attack, cell.defence): cell.asr_t.value for cell in cells}
    grid = [[values[attack, defence] for defence in defences] for attack in attacks]
    axes.imshow(grid, cmap="Reds", vmin=0, vmax=1.3, aspect="auto")
    for row, line in enumerate(grid):
        for column, value in enumerate(line):
            axes.text(column, row, f"{value:.0%}", ha="center", va="center", fontsize=8)
    axes.set_xticks(range(len(defences)), defences, fontsize=8)
    axes.set_yticks(range(len(attacks)), [named(attack) for attack in attacks], fontsize=8)
    axes.set_title("ASR-t (* consensus cannot stop it)", fontsize=10)


def _draw_curve(axes: Axes, report: AttackReport) -> None:
    curves = list(dict.fromkeys(point.curve for point in report.points))
    defences = list(dict.fromkeys(point.defence for point in report.points))
    for number, curve in enumerate(curves):
        found = [point for point in report.points if point.curve == curve]
        shift = (number - (len(curves) - 1) / 2) * OFFSET
        shares = [point.share + shift for point in found]
        color = COLORS[defences.index(found[0].defence) % len(COLORS)]
        style = "o-" if found[0].ways == 1 else "o:"
        axes.plot(shares, [p.asr_t.value for p in found], style, color=color, ms=4, label=curve)
        low, high = ([p.asr_t.interval[end] for p in found] for end in (0, 1))
        axes.vlines(shares, low, high, color=color, lw=2, alpha=0.4)
    axes.axvline(0.5, color="#888888", lw=1, ls="--")
    axes.set_xlabel("planted share of what is retrieved")
    axes.set_ylabel("ASR-t")
    axes.xaxis.set_major_formatter(percent)
    axes.yaxis.set_major_formatter(percent)
    axes.legend(fontsize=8)
    axes.set_title("Where consensus fails", fontsize=10)
