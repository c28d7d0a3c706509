"""Reports as one self-contained web page: tables, plots, episodes, and how to repeat the runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...episodes.facts import in_words
from .attempts import Point
from .canvas import COLORS, SETTINGS, Team
from .comparison import (
    Difference,
    compare,
    difference_cells,
    difference_columns,
    overlap,
    p_text,
)
from .failures import FAILURES
from .plots import draw
from .report import Report, labels
from .row import by_task
from .summary import cells, columns, dollars

TEMPLATE = "report.html"
CLEAR = 0.05
"""The adjusted p-value below which the page calls a difference clear."""


def write_html(reports: Sequence[Report], path: str | Path, *, title: str = "Evaluation") -> Path:
    """Write one page for one team or several, and return the file's path.

    The page needs nothing else, follows the reader's light or dark theme, and comes out the same
    for the same reports. Whatever users and models wrote is escaped. Teams are compared with the
    first, on the episodes that both played.

    Args:
        reports: of teams on the same tasks; the page says so where the tasks differ.

    Raises:
        ValueError: there is no report.
        ImportError: matplotlib or jinja2 is missing.
    """
    path = Path(path)
    page = render(reports, title=title)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8", errors="replace")
    return path


def render(
    reports: Sequence[Report],
    *,
    title: str,
    template: str = TEMPLATE,
    folders: Sequence[Path] = (),
    **more: Any,
) -> str:
    """The page as text.

    Args:
        template: one that fills the blocks of the usual one.
        folders: where to look for templates before looking here.
        more: what that template names.

    Raises:
        ValueError: there is no report.
        ImportError: matplotlib or jinja2 is missing.
    """
    if not reports:
        raise ValueError("a page needs at least one report")
    try:
        import jinja2
        import matplotlib
    except ImportError as error:
        raise ImportError(
            f'HTML reports need {error.name}: pip install "symposia[view]"'
        ) from error
    teams = [
        Team(label, COLORS[i % len(COLORS)], report)
        for i, (label, report) in enumerate(zip(labels(reports), reports, strict=True))
    ]
    compared = compare(reports) if overlap(reports) else None
    graded = any(report.graded for report in reports)
    differences = compared.differences if compared else ()
    with matplotlib.rc_context(SETTINGS):
        plots = draw(teams, differences)
    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, Path(__file__).parent]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return jinja.get_template(template).render(
        title=title,
        subtitle=_subtitle(reports),
        teams=teams,
        compared=compared,
        plots=plots,
        kinds=sorted({kind for report in reports for kind in report.kinds}),
        causes=[cause for cause in FAILURES if any(cause in r.failures for r in reports)],
        mistakes=sorted({mistake for report in reports for mistake in report.mistakes}),
        curves=[(team, points) for team in teams if len(points := _some(team.report.curve)) > 1],
        meanings=FAILURES,
        graded=graded,
        columns=columns(graded),
        difference_columns=difference_columns(graded),
        cells=cells,
        difference_cells=difference_cells,
        verdict=_verdict,
        dollars=dollars,
        in_words=in_words,
        manifest=lambda report: json.dumps(report.manifest, indent=2, default=str),
        **more,
    )


def _subtitle(reports: Sequence[Report]) -> str:
    """What was played: environments, splits, tasks and seeds."""
    configs = [report.manifest.get("config", {}) for report in reports]
    facts = [", ".join(sorted({report.environment for report in reports}))]
    for name in ("split", "seed"):
        values = dict.fromkeys(str(config[name]) for config in configs if name in config)
        if values:
            facts.append(f"{name} {', '.join(values)}")
    tasks = sorted({len(by_task(report.rows)) for report in reports})
    facts.append(f"{' or '.join(map(str, tasks))} {'task' if tasks == [1] else 'tasks'}")
    return " · ".join(facts)


def _verdict(difference: Difference) -> tuple[str, str]:
    """What a difference says, in a word for its colour and in a sentence."""
    low, high = (100 * end for end in difference.interval)
    p = p_text(difference.p_holm)
    figures = (
        f"{100 * difference.difference:+.1f} points (95 % interval {low:+.1f} to {high:+.1f}, "
        f"{'p' if difference.p_holm == difference.p else 'adjusted p'} "
        f"{'' if p.startswith('<') else '= '}{p})"
    )
    if difference.p_holm >= CLEAR:
        return "soft", f"no clear difference from {difference.baseline}: {figures}"
    better = difference.difference > 0
    word = "better" if better else "worse"
    return "good" if better else "bad", f"{word} than {difference.baseline}: {figures}"


def _some(points: Sequence[Point]) -> list[Point]:
    """At most eight points of a curve, for a table: the ends, and powers of two between."""
    last = len(points)
    return [p for p in points if last <= 8 or p.k == last or p.k & (p.k - 1) == 0]
