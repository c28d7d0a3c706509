"""Reports as Markdown tables, for papers and pull requests: figures, and how they were got."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .attempts import Point
from .comparison import DIFFERENCE_COLUMNS, Comparison, compare, difference_cells
from .failures import FAILURES
from .report import Report, labels
from .row import by_task
from .summary import Summary, dollars

HEADS = ("team", "success", "score", "steps", "calls", "tokens", "cost")


def to_markdown(reports: Sequence[Report]) -> str:
    """One team's results, or several teams' with their paired differences from the first.

    Args:
        reports: of teams on the same tasks.

    Raises:
        ValueError: there is no report, or one shares no episode with the first.
    """
    compared = compare(reports)
    parts = [_results(compared), _methods(reports)]
    if compared.differences:
        parts.append(_differences(compared))
    if any(len(report.kinds) > 1 for report in reports):
        parts.append(_kinds(reports))
    if any(len(report.curve) > 1 for report in reports):
        parts.append(_curves(reports))
    if any(report.failures for report in reports):
        parts.append(_failures(reports))
    if any(report.mistakes for report in reports):
        parts.append(_mistakes(reports))
    return "\n\n".join(parts) + "\n"


def _results(compared: Comparison) -> str:
    return _table(
        HEADS,
        (
            (label, *_cells(report.summary))
            for label, report in zip(compared.labels, compared.reports, strict=True)
        ),
    )


def _methods(reports: Sequence[Report]) -> str:
    """How the figures were got, in a sentence for each run."""
    lines = []
    for label, report in zip(labels(reports), reports, strict=True):
        config = report.manifest.get("config", {})
        tasks = by_task(report.rows)
        facts = [
            f"{len(report.rows)} episodes of {len(tasks)} tasks",
            *(f"{name} {config[name]}" for name in ("split", "seed", "model") if name in config),
        ]
        if report.approximate:
            facts.append(f"approximate {', '.join(report.approximate)}")
        if stopped := report.manifest.get("stopped"):
            facts.append(f"ended early: {stopped}")
        lines.append(
            f"- {_plain(label)} on {_plain(report.environment)}: {_plain(', '.join(facts))}"
        )
    note = (
        "Success in per cent with 95 % Wilson intervals (attempts at one task count by their "
        "effective number); score, steps, calls and tokens are means per episode, cost is the sum."
    )
    return "\n".join([note, "", *lines])


def _differences(compared: Comparison) -> str:
    table = _table(
        ("team", *DIFFERENCE_COLUMNS, "score", "95 % interval of the score"),
        (
            (
                d.team,
                *difference_cells(d),
                f"{d.score:+.3f}",
                "{:+.3f} to {:+.3f}".format(*d.score_interval),
            )
            for d in compared.differences
        ),
    )
    lines = [
        f"Differences from {_plain(compared.labels[0])} in points, on the episodes that both "
        f"played: {compared.tests}, two-sided; adjusted Wald interval (Bonett and Price 2012); "
        f"score: paired bootstrap over tasks, seed {compared.seed}.",
    ]
    if compared.unlike:
        lines.append(f"**The runs differ in {_plain('; '.join(compared.unlike))}.**")
    return "\n\n".join([*lines, table])


def _kinds(reports: Sequence[Report]) -> str:
    kinds = sorted({kind for report in reports for kind in report.kinds})
    held = [report.kinds for report in reports]
    return _table(
        ("task type", *labels(reports)),
        ((kind, *(_rate(k[kind]) if kind in k else "" for k in held)) for kind in kinds),
    )


def _curves(reports: Sequence[Report]) -> str:
    def line(label: str, points: Sequence[Point]) -> Iterable[tuple[str, ...]]:
        for point in points:
            yield (
                label,
                str(point.k),
                _percent(point.pass_at, point.pass_at_interval),
                _percent(point.pass_hat, point.pass_hat_interval),
                f"{point.best:.3f}",
            )

    rows = (
        cells
        for label, report in zip(labels(reports), reports, strict=True)
        for cells in line(label, report.curve)
    )
    return _table(("team", "k", "pass@k", "pass^k", "best score of k"), rows)


def _failures(reports: Sequence[Report]) -> str:
    held = [report.failures for report in reports]
    causes = [cause for cause in FAILURES if any(cause in counts for counts in held)]
    return _counts("failure", causes, held, reports)


def _mistakes(reports: Sequence[Report]) -> str:
    held = [report.mistakes for report in reports]
    return _counts("mistake", sorted({name for counts in held for name in counts}), held, reports)


def _counts(
    head: str, names: Sequence[str], held: Sequence[dict[str, int]], reports: Sequence[Report]
) -> str:
    """A line for each name, with its count in each report."""
    return _table(
        (head, *labels(reports)),
        ((name, *(str(counts.get(name, 0)) for counts in held)) for name in names),
    )


def _cells(summary: Summary) -> tuple[str, ...]:
    return (
        _rate(summary),
        f"{summary.score:.3f}",
        f"{summary.steps:.1f}",
        f"{summary.calls:.1f}",
        f"{summary.tokens:,.0f}",
        dollars(summary.cost),
    )


def _rate(summary: Summary) -> str:
    return _percent(summary.rate, summary.interval)


def _percent(value: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column holds words, the others figures."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    lines += [[_plain(cell) for cell in row] for row in rows]
    lines[0] = [_plain(head) for head in heads]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _plain(text: str) -> str:
    """The text with what Markdown would read as its own taken literally, on one line."""
    return "".join(f"\\{c}" if c in "\\|*_`<>[]" else c for c in " ".join(text.split()))
