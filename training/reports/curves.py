"""The curves of a run in pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...benchmarks.reports.canvas import COLORS, Plot, new_figure, percent, svg
from .history import History, Iteration

Points = Sequence[tuple[int, float]]
"""Iterations, and what was measured in them."""
SHOWN = {
    "loss": ("Loss", "What the updates descended, before each step."),
    "nll": ("Surprise", "Mean negative log-likelihood of the trained tokens, in nats."),
    "mismatch": (
        "Mismatch",
        "Mean difference between recorded log-probabilities and the trainer's, in nats a token.",
    ),
    "kl": ("Divergence", "From the reference, as the objective estimates it."),
    "grad_norm": ("Gradient", "Norm of the gradient before it is clipped."),
}
"""Measures of updates that have a plot of their own, with its title and note."""


def draw(history: History) -> list[Plot]:
    """The plots that have something to show. To be called in the style of the page."""
    scores: dict[str, Points] = {
        "test": history.tests,
        "played to learn from": _points(history, lambda each: each.collected),
    }
    plots = [
        _plot(
            "Score",
            "Mean score on the test tasks, and of the episodes that were learnt from.",
            scores,
            share=True,
        ),
        _plot("Rows", "Rows that each policy was trained on.", _rows(history)),
    ]
    for name, (title, note) in SHOWN.items():
        plots.append(_plot(title, note, _measured(history, name)))
    return [plot for plot in plots if plot is not None]


def _points(history: History, value: Callable[[Iteration], float | None]) -> Points:
    found = [(each.number, value(each)) for each in history.iterations]
    return [(number, held) for number, held in found if held is not None]


def _rows(history: History) -> dict[str, Points]:
    return _by_policy([(each.number, each.rows or {}) for each in history.iterations])


def _measured(history: History, measure: str) -> dict[str, Points]:
    held = []
    for each in history.iterations:
        updates = (each.updates or {}).items()
        held.append((each.number, {name: m[measure] for name, m in updates if measure in m}))
    return _by_policy(held)


def _by_policy(held: Iterable[tuple[int, Mapping[str, float]]]) -> dict[str, Points]:
    lines: dict[str, list[tuple[int, float]]] = {}
    for number, values in held:
        for name, value in values.items():
            lines.setdefault(name, []).append((number, value))
    return dict(lines)


def _plot(
    title: str, note: str, lines: Mapping[str, Points], *, share: bool = False
) -> Plot | None:
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return None
    figure, axes = new_figure(2.7)
    legend, words = [], []
    for (name, points), color in zip(lines.items(), _colors(), strict=False):
        numbers, values = zip(*points, strict=True)
        axes.plot(numbers, values, color=color, lw=1.8, marker="o", ms=3, clip_on=False)
        legend.append((name, color))
        words.append(f"{name}: {values[0]:.3g} at {numbers[0]}, {values[-1]:.3g} at {numbers[-1]}")
    axes.set_xlabel("iterations")
    axes.locator_params(axis="x", integer=True)
    axes.set_xlim(left=0)
    if share:
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(percent)
    return Plot(title, note, svg(figure), "; ".join(words), legend)


def _colors() -> Any:
    while True:
        yield from COLORS
