"""The tables of an attack run: for the terminal, for papers, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from rich.console import Group
from rich.table import Table

from ..reports.intervals import Interval
from ..reports.tables import new_table
from .attacks import ATTACKS
from .curve import Point, fails_from
from .results import CUT, LOSS, Bar, Cell, Rate, bars, cells
from .trial import Trial

_Part = tuple[str, Sequence[str], list[tuple[str, ...]]]
"""Title, heads and rows of a table."""
COSTS = ("calls", "tokens", "ms")
FIGURES = ("ASR-r", "ASR-a", "ASR-t", "utility", "quiet", "kept", "lost", *COSTS)


@dataclass(frozen=True, slots=True)
class AttackReport:
    """What a run found."""

    trials: Sequence[Trial]
    points: Sequence[Point]
    """Of the curve; none where it was not measured."""
    settings: dict[str, Any]

    @property
    def cells(self) -> list[Cell]:
        """Each attack against each defence."""
        return cells(self.trials)

    @property
    def bars(self) -> list[Bar]:
        """Each defence against none, over the attacks that consensus should stop."""
        return bars(self.trials)

    @property
    def unread(self) -> int:
        """Trials whose victim said nothing readable: these are neither harm nor defence."""
        return sum(not trial.read for trial in self.trials)

    def to_dict(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return {
            "settings": self.settings,
            "unread": self.unread,
            "cells": [_plain(cell) for cell in self.cells],
            "bars": [{**asdict(bar), "met": bar.met, "proven": bar.proven} for bar in self.bars],
            "bars_over_all_attacks": [asdict(bar) for bar in bars(self.trials, limits=True)],
            "curve": [_plain(point) for point in self.points],
            "consensus_fails_from": {
                name: fails_from(self.points, name)
                for name in dict.fromkeys(point.curve for point in self.points)
            },
        }

    def table(self) -> Group:
        """For the terminal: ASR-t, what each defence achieves and costs, and the curve."""
        return Group(*(_rich(*part) for part in self._parts(brief=True)))

    def to_markdown(self) -> str:
        """The same with intervals, and every figure of every pair of attack and defence."""
        rows = [(named(cell.attack), cell.defence, *_figures(cell)) for cell in self.cells]
        every: _Part = ("Every figure", ("attack", "defence", *FIGURES), rows)
        return "\n\n".join(_markdown(*part) for part in [*self._parts(), every]) + "\n"

    def _parts(self, brief: bool = False) -> list[_Part]:
        parts = [self._attacks(brief)] if self.trials else []
        if self.bars:
            parts.append(self._achieved(brief))
        if self.points:
            parts.append(self._curve())
        return parts

    def _attacks(self, brief: bool) -> _Part:
        found = self.cells
        defences = list(dict.fromkeys(cell.defence for cell in found))
        rates = {(cell.attack, cell.defence): cell.asr_t for cell in found}
        rows = [
            (
                named(attack),
                *(
                    f"{rates[attack, each].value:.0%}" if brief else _rate(rates[attack, each])
                    for each in defences
                ),
            )
            for attack in dict.fromkeys(cell.attack for cell in found)
        ]
        title = f"ASR-t, of {found[0].asr_t.total} attacks each; * is what consensus cannot stop"
        if self.unread:
            title += f"; {self.unread} of {len(self.trials)} replies could not be read"
        return title, ("attack", *defences), rows

    def _achieved(self, brief: bool) -> _Part:
        every = {bar.defence: bar for bar in bars(self.trials, limits=True)}
        rows: list[tuple[str, ...]] = []
        for bar in self.bars:
            mean = _Mean.of([cell for cell in self.cells if cell.defence == bar.defence])
            met = "yes" if bar.met else "no"
            cut, loss = f"{bar.cut:.1%}", f"{bar.loss:+.1%}"
            if brief:
                rows.append((bar.defence, cut, loss, met, mean.utility, *mean.costs))
                continue
            spans = (_span(bar.cut_interval), _span(bar.loss_interval))
            rows.append(
                (
                    bar.defence,
                    f"{cut} {spans[0]}",
                    f"{every[bar.defence].cut:.1%}",
                    f"{loss} {spans[1]}",
                    met,
                    mean.utility,
                    mean.quiet,
                    mean.kept,
                    mean.lost,
                    *mean.costs,
                )
            )
        heads: Sequence[str]
        heads = ("defence", "ASR-t cut", "utility lost", "met", "utility", *COSTS)
        if not brief:
            heads = ("defence", "ASR-t cut", "with *", "utility lost", "met", *FIGURES[3:])
        title = f"Against none, without *; bars: cut {CUT:.0%}, lost {LOSS:.0%} at most"
        return title, heads, rows

    def _curve(self) -> _Part:
        shares = sorted({point.share for point in self.points})
        names = list(dict.fromkeys(point.curve for point in self.points))
        by_pair = {(point.curve, point.share): point for point in self.points}
        rows = []
        for name in names:
            found = [by_pair.get((name, share)) for share in shares]
            fails = fails_from(self.points, name)
            seen = "never" if fails is None else f"{fails:.0%}"
            rows.append((name, *(f"{100 * p.asr_t.value:.0f}" if p else "" for p in found), seen))
        heads = ("defence", *(f"{100 * share:.0f}" for share in shares), "fails")
        return "ASR-t in % by the planted share of what is retrieved, in %", heads, rows


@dataclass(frozen=True, slots=True)
class _Mean:
    """A defence over all attacks, written out."""

    utility: str
    quiet: str
    kept: str
    lost: str
    costs: tuple[str, str, str]

    @classmethod
    def of(cls, found: Sequence[Cell]) -> _Mean:
        utility, quiet = (_sum(rates) for rates in zip(*((c.utility, c.quiet) for c in found)))
        return cls(
            f"{utility.value:.1%}",
            f"{quiet.value:.1%}",
            f"{fmean(cell.kept for cell in found):.1%}",
            f"{fmean(cell.lost for cell in found):.1%}",
            (
                f"{fmean(cell.calls for cell in found):.1f}",
                f"{fmean(cell.tokens for cell in found):,.0f}",
                f"{fmean(cell.milliseconds for cell in found):.1f}",
            ),
        )


def named(attack: str) -> str:
    """An attack's name, with a star where consensus cannot stop it."""
    return f"{attack} *" if attack in ATTACKS and ATTACKS[attack].limit else attack


def _figures(cell: Cell) -> tuple[str, ...]:
    return (
        *(_rate(rate) for rate in (cell.asr_r, cell.asr_a, cell.asr_t, cell.utility, cell.quiet)),
        f"{cell.kept:.1%}",
        f"{cell.lost:.1%}",
        f"{cell.calls:.1f}",
        f"{cell.tokens:,.0f}",
        f"{cell.milliseconds:.1f}",
    )


def _sum(rates: Sequence[Rate]) -> Rate:
    return Rate(sum(rate.count for rate in rates), sum(rate.total for rate in rates))


def _rate(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.value:.0%} ({100 * low:.0f}-{100 * high:.0f})"


def _span(interval: Interval) -> str:
    low, high = interval
    return f"({100 * low:.1f} to {100 * high:.1f})"


def _plain(value: Any) -> dict[str, Any]:
    """A dataclass as a dict, its rates as share and interval."""
    fields = {name: getattr(value, name) for name in value.__slots__}
    return {
        name: {"value": each.value, "interval": each.interval, "total": each.total}
        if isinstance(each, Rate)
        else each
        for name, each in fields.items()
    }


def _rich(title: str, heads: Sequence[str], rows: list[tuple[str, ...]]) -> Table:
    table = new_table(title, heads[:1], heads[1:])
    for row in rows:
        table.add_row(*row)
    return table


def _markdown(title: str, heads: Sequence[str], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join([f"**{title}**", "", *(f"| {' | '.join(line)} |" for line in lines)])
