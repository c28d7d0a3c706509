"""Teams against each other, on the episodes that both played.

Two teams on the same tasks are compared task by task, not rate by rate: what is hard for one is
hard for the other, so the paired difference is known far better than the two rates are. Only
episodes of the same task and attempt are paired, and those without a partner are counted. With one
attempt a task the test is McNemar's; with several, the sign of a task's whole difference is
flipped, since its attempts are no independent evidence. The first team is the baseline of all
others; where there are several of them, p-values are adjusted by Holm's method.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.table import Table
from rich.text import Text

from .intervals import Interval, bootstrap, paired
from .report import Report, labels
from .row import Row
from .significance import holm, mcnemar, sign_flip
from .summary import cells, columns
from .tables import new_table

SETTINGS = ("environment", "options", "settings", "split", "seed", "budget")
"""Of a run's config: what should be alike between teams that are compared."""
DIFFERENCE_COLUMNS = (
    "pairs",
    "left out",
    "gained",
    "lost",
    "difference (95 %)",
    "p (Holm)",
)
"""The figures of a difference of success, as tables head them."""

SCORE_COLUMN = "score (95 %)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One team against the baseline, over the episodes that both played."""

    team: str
    baseline: str
    tasks: int
    """Tasks that both played."""
    pairs: int
    """Episodes that both played."""
    left_out: int
    """Episodes of either that the other did not play."""
    both: int
    """Pairs that both solved."""
    gained: int
    """Pairs that only the team solved."""
    lost: int
    """Pairs that only the baseline solved."""
    neither: int
    rate: float
    """The team's share of successes among the pairs."""
    baseline_rate: float
    difference: float
    """Of the shares of successes."""
    interval: Interval
    """95 % interval of the difference: Bonett and Price's adjusted Wald, by task."""
    p: float
    """Two-sided, exact."""
    p_holm: float
    """Adjusted for the number of teams that are compared with the baseline."""
    score: float
    """Difference of the mean scores."""
    score_interval: Interval
    """95 % bootstrap interval of it, drawing tasks."""

    @property
    def test(self) -> str:
        """The test that gave `p`."""
        if self.pairs == self.tasks:
            return "McNemar's exact test"
        return "exact sign-flip test over tasks"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several reports, each after the first compared with the first."""

    reports: Sequence[Report]
    differences: Sequence[Difference]
    unlike: Sequence[str]
    """Settings in which the runs differ beside the team and its model, with their values."""
    seed: int
    """Of the bootstrap."""

    @property
    def labels(self) -> list[str]:
        """The reports' names."""
        return labels(self.reports)

    @property
    def graded(self) -> bool:
        """Whether a score lies between 0 and 1."""
        return any(report.graded for report in self.reports)

    @property
    def tests(self) -> str:
        """The tests that gave the p-values."""
        return " / ".join(dict.fromkeys(d.test for d in self.differences))

    @property
    def kinds(self) -> dict[str, Sequence[Difference]]:
        """The differences per kind of task that all teams played. Their p-values are adjusted for
        the number of teams, not of kinds."""
        kinds = sorted(set.intersection(*(set(report.kinds) for report in self.reports)))
        parts = {kind: [report.of_kind(kind) for report in self.reports] for kind in kinds}
        return {
            kind: compare(reports, seed=self.seed).differences
            for kind, reports in parts.items()
            if overlap(reports)
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the episodes, for JSON."""
        return {
            "runs": [
                {
                    "run": report.run,
                    "team": label,
                    "environment": report.environment,
                    "summary": asdict(report.summary),
                    "failures": report.failures,
                }
                for label, report in zip(self.labels, self.reports, strict=True)
            ],
            "differences": [asdict(d) | {"test": d.test} for d in self.differences],
            "kinds": {kind: [asdict(d) for d in found] for kind, found in self.kinds.items()},
            "unlike": list(self.unlike),
            "bootstrap_seed": self.seed,
        }

    def table(self) -> Table:
        """The teams for the terminal, a line each."""
        table = new_table("teams", ["team"], columns(self.graded))
        for label, report in zip(self.labels, self.reports, strict=True):
            table.add_row(Text(label), *cells(report.summary, self.graded))
        if self.unlike:
            table.caption = Text("These runs differ in " + "; ".join(self.unlike), "red")
        return table

    def difference_table(self) -> Table:
        """The paired differences for the terminal, a line each."""
        baseline = self.labels[0]
        title = f"difference from {baseline}, on the same episodes"
        table = new_table(title, ["team"], DIFFERENCE_COLUMNS)
        for difference in self.differences:
            table.add_row(Text(difference.team), *difference_cells(difference))
        notes = [f"In points of the success rate; {self.tests}, two-sided."]
        if self.graded:
            notes += [f"Mean score of {d.team}: {score_text(d)}" for d in self.differences]
        table.caption = Text("\n".join(notes))
        return table


def compare(reports: Sequence[Report], *, seed: int = 0) -> Comparison:
    """Compare each report with the first, on the (task, attempt) pairs that both have.

    Args:
        reports: of runs on the same tasks; see `Report.stored` for runs in a store.
        seed: of the bootstrap.

    Raises:
        ValueError: there is no report, or one shares no episode with the first.
    """
    if not reports:
        raise ValueError("nothing to compare: give at least one report")
    names = labels(reports)
    differences = [
        _difference(report, reports[0], name, names[0], seed)
        for name, report in zip(names[1:], reports[1:], strict=True)
    ]
    adjusted = holm([difference.p for difference in differences])
    return Comparison(
        reports=reports,
        differences=[replace(d, p_holm=p) for d, p in zip(differences, adjusted, strict=True)],
        unlike=_unlike(reports),
        seed=seed,
    )


def overlap(reports: Sequence[Report]) -> bool:
    """True when each report shares an episode with the first."""
    names = [{(row.task, row.attempt) for row in report.rows} for report in reports]
    return all(names[0] & others for others in names[1:])


def difference_columns(graded: bool) -> tuple[str, ...]:
    """The figures of a difference, that of the mean score with them where scores are graded."""
    return (*DIFFERENCE_COLUMNS, SCORE_COLUMN) if graded else DIFFERENCE_COLUMNS


def difference_cells(difference: Difference, graded: bool = False) -> tuple[str, ...]:
    """The cells of a difference's line, under `difference_columns(graded)`."""
    low, high = difference.interval
    return (
        str(difference.pairs),
        str(difference.left_out),
        str(difference.gained),
        str(difference.lost),
        f"{100 * difference.difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})",
        p_text(difference.p_holm),
        *((score_text(difference),) if graded else ()),
    )


def score_text(difference: Difference) -> str:
    """The difference of the mean score, with its interval."""
    return "{:+.2f} ({:+.2f} to {:+.2f})".format(difference.score, *difference.score_interval)


def p_text(p: float) -> str:
    """A p-value, with no more digits than it is worth."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _difference(
    report: Report, baseline: Report, name: str, baseline_name: str, seed: int
) -> Difference:
    theirs = {(row.task, row.attempt): row for row in baseline.rows}
    pairs = [
        (row, theirs[row.task, row.attempt])
        for row in report.rows
        if (row.task, row.attempt) in theirs
    ]
    if not pairs:
        raise ValueError(
            f"{name} and {baseline_name} share no episode: they played other tasks or attempts"
        )
    successes: dict[str, list[int]] = defaultdict(list)
    scores: dict[str, list[float]] = defaultdict(list)
    for mine, other in pairs:
        successes[mine.task].append(mine.success - other.success)
        scores[mine.task].append(mine.score - other.score)
    both, gained, lost, neither = _table_of_four(pairs)
    count = len(pairs)
    one_each = count == len(successes)
    p = mcnemar(gained, lost) if one_each else sign_flip([sum(d) for d in successes.values()])
    return Difference(
        team=name,
        baseline=baseline_name,
        tasks=len(successes),
        pairs=count,
        left_out=len(report.rows) + len(baseline.rows) - 2 * count,
        both=both,
        gained=gained,
        lost=lost,
        neither=neither,
        rate=(both + gained) / count,
        baseline_rate=(both + lost) / count,
        difference=(gained - lost) / count,
        interval=paired(list(successes.values())),
        p=p,
        p_holm=p,
        score=sum(map(sum, scores.values())) / count,
        score_interval=bootstrap(list(scores.values()), seed),
    )


def _table_of_four(pairs: Sequence[tuple[Row, Row]]) -> tuple[int, int, int, int]:
    """Pairs that both solved, only the first, only the second, and neither."""
    outcomes = [(mine.success, other.success) for mine, other in pairs]
    cases = ((True, True), (True, False), (False, True), (False, False))
    both, first, second, neither = (outcomes.count(case) for case in cases)
    return both, first, second, neither


def _unlike(reports: Sequence[Report]) -> list[str]:
    """Settings that differ, as `name: value, value`."""
    configs = [report.manifest.get("config", {}) for report in reports]
    unlike = []
    for name in SETTINGS:
        values = dict.fromkeys(str(config.get(name)) for config in configs)
        if len(values) > 1:
            unlike.append(f"{name}: {', '.join(values)}")
    return unlike
