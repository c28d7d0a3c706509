"""The tables of an attack run: for the terminal, for papers, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
FIGURES = ("ASR-r", "ASR-a", "ASR-t", "utility", "quiet", "kept", "lost", "calls", "tokens", "ms")


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

    def to_dict(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return {
            "settings": self.settings,
            "cells": [_plain(cell) for cell in self.cells],
            "bars": [{**asdict(bar), "met": bar.met, "proven": bar.proven} for bar in self.bars],
            "bars_over_all_attacks": [asdict(bar) for bar in bars(self.trials, limits=True)],
            "curve": [_plain(point) for point in self.points],
            "consensus_fails_from": {
                name: fails_from(self.points, name)
                for name in dict.fromkeys(point.defence for point in self.points)
            },
        }

    def table(self) -> Group:
        """For the terminal: ASR-t, then what each defence achieves and costs."""
        return Group(*(_rich(*part) for part in self._parts()))

    def to_markdown(self) -> str:
        """The same tables, and every figure of every pair of attack and defence."""
        every = (
            "Every figure",
            ("attack", "defence", *FIGURES),
            [(cell.attack, cell.defence, *_figures(cell)) for cell in self.cells],
        )
        return "\n\n".join(_markdown(*part) for part in [*self._parts(), every]) + "\n"

    def _parts(self) -> list[_Part]:
        found = self.cells
        defences = list(dict.fromkeys(cell.defence for cell in found))
        attacks = list(dict.fromkeys(cell.attack for cell in found))
        by_pair = {(cell.attack, cell.defence): cell for cell in found}
        parts: list[_Part] = [
            (
                "ASR-t: the victim does what the attacker wants",
                ("attack", *defences),
                [
                    (named(attack), *(_rate(by_pair[attack, each].asr_t) for each in defences))
                    for attack in attacks
                ],
            ),
            (
                f"Against no defence; the bars: ASR-t cut by {CUT:.0%}, utility lost {LOSS:.0%} at "
                "most. Attacks marked * are left out of the first figures: consensus cannot stop "
                "them",
                ("defence", "ASR-t cut", "of all", "utility lost", "met", *FIGURES[3:]),
                self._achieved(defences),
            ),
        ]
        if self.points:
            parts.append(self._curve())
        return parts

    def _achieved(self, defences: Sequence[str]) -> list[tuple[str, ...]]:
        first = {bar.defence: bar for bar in self.bars}
        every = {bar.defence: bar for bar in bars(self.trials, limits=True)}
        rows = []
        for name in defences:
            mean = _mean([cell for cell in self.cells if cell.defence == name])
            bar = first.get(name)
            if bar is None:
                rows.append((name, "", "", "", "", *mean))
                continue
            rows.append(
                (
                    name,
                    f"{bar.cut:.1%} {_span(bar.cut_interval)}",
                    f"{every[name].cut:.1%}",
                    f"{bar.loss:+.1%} {_span(bar.loss_interval)}",
                    "yes" if bar.met else "no",
                    *mean,
                )
            )
        return rows

    def _curve(self) -> _Part:
        shares = sorted({point.share for point in self.points})
        names = list(dict.fromkeys(point.defence for point in self.points))
        by_pair = {(point.defence, point.share): point for point in self.points}
        rows = []
        for name in names:
            found = [by_pair.get((name, share)) for share in shares]
            fails = fails_from(self.points, name)
            seen = "never" if fails is None else f"{fails:.0%}"
            rows.append((name, *(f"{p.asr_t.value:.0%}" if p else "" for p in found), seen))
        heads = ("defence", *(f"{share:.0%}" for share in shares), "fails from")
        return "ASR-t by the planted share of what is retrieved", heads, rows


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


def _mean(found: Sequence[Cell]) -> tuple[str, ...]:
    """The figures from utility on, over attacks."""
    utility = _sum([cell.utility for cell in found])
    quiet = _sum([cell.quiet for cell in found])
    count = len(found)
    return (
        f"{utility.value:.1%}",
        f"{quiet.value:.1%}",
        f"{sum(cell.kept for cell in found) / count:.1%}",
        f"{sum(cell.lost for cell in found) / count:.1%}",
        f"{sum(cell.calls for cell in found) / count:.1f}",
        f"{sum(cell.tokens for cell in found) / count:,.0f}",
        f"{sum(cell.milliseconds for cell in found) / count:.1f}",
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
