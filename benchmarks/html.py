"""Reports as one self-contained web page: tables, plots, episodes, and how to repeat the runs."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .report import Report, Summary, dollars, figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEMPLATE = "report.html"
COLORS = ("#2f7fc1", "#c8641e", "#2a8f6d", "#b4559b", "#98781a", "#7068c9", "#c8505f", "#6f7a86")
"""One a team; like all colours here, 3:1 at least from the page in either theme."""
STOP_COLORS = ("#4f8a80", "#8d7f3c", "#7f6fae", "#b06a4f", "#5d7fa3", "#a3617f", "#7a6a5c")
"""One a reason to stop, most frequent first; the rest are `other`."""
OTHER = "#6f7a86"
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


def write_html(reports: Sequence[Report], path: str | Path, *, title: str = "Evaluation") -> Path:
    """Write one page for one team or several, and return the file's path.

    The page needs nothing else, follows the reader's light or dark theme, and comes out the same
    for the same reports. Whatever users and models wrote is escaped.

    Args:
        reports: of teams on the same tasks; the page says so where the tasks differ.

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
    teams = _teams(reports)
    with matplotlib.rc_context(SETTINGS):
        plots = _plots(teams)
    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = jinja.get_template(TEMPLATE).render(
        title=title,
        environments=sorted({report.environment for report in reports}),
        teams=teams,
        plots=plots,
        kinds=_kinds(teams),
        same_tasks=len({frozenset((r.task, r.attempt) for r in x.rows) for x in reports}) == 1,
        figures=figures,
        dollars=dollars,
        manifest=lambda report: json.dumps(report.manifest, indent=2, default=str),
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8", errors="replace")
    return path


def _teams(reports: Sequence[Report]) -> list[Team]:
    """The reports with labels that tell them apart."""
    times = Counter(report.team for report in reports)
    return [
        Team(
            report.team if times[report.team] == 1 else f"{report.team} ({report.run})",
            COLORS[i % len(COLORS)],
            report,
        )
        for i, report in enumerate(reports)
    ]


def _plots(teams: Sequence[Team]) -> list[Plot]:
    """Those that have something to show."""
    rows = [row for team in teams for row in team.report.rows]
    if not rows:
        return []
    plots = [_rates(teams)]
    if any(row.steps for row in rows):
        plots.append(_steps(teams))
    plots.append(_tokens(teams))
    if any(row.cost for row in rows) and all(row.cost is not None for row in rows):
        plots.append(_costs(teams))
    return [*plots, _stops(teams)]


def _kinds(teams: Sequence[Team]) -> list[str]:
    return sorted({kind for team in teams for kind in team.report.kinds})


def _rates(teams: Sequence[Team]) -> Plot:
    """Success rates with their intervals, for all tasks and per type."""
    groups = [(kind, [t.report.kinds.get(kind) for t in teams]) for kind in _kinds(teams)]
    groups.append(("all tasks", [t.report.summary for t in teams]))
    figure, axes = _figure(0.7 + len(groups) * (0.16 + 0.18 * len(teams)))
    height = 0.8 / len(teams)
    words = []
    for row, (_, summaries) in enumerate(groups):
        for i, (team, summary) in enumerate(zip(teams, summaries, strict=True)):
            if summary is None or not summary.episodes:
                continue
            y = row + (i - (len(teams) - 1) / 2) * height
            axes.barh(y, summary.rate, height * 0.86, color=team.color)
            axes.plot(summary.interval, (y, y), color=TEXT, lw=1.2, solid_capstyle="butt")
            words.append(f"{team.label}, {groups[row][0]}: {_rate(summary)}")
    axes.set_yticks(range(len(groups)), [_short(name) for name, _ in groups])
    axes.set_ylim(len(groups) - 0.45, -0.55)
    _shares(axes)
    axes.set_xlabel("success rate")
    return Plot(
        "Success",
        "Share of episodes that succeeded, with the 95 % Wilson interval.",
        _svg(figure),
        "; ".join(words),
        _legend(teams),
    )


def _steps(teams: Sequence[Team]) -> Plot:
    """How much was solved within how many steps."""
    figure, axes = _figure(2.7)
    most = max(row.steps for t in teams for row in t.report.rows)
    words = []
    for team in teams:
        count = len(team.report.rows)
        if not count:
            continue
        solved = sorted(row.steps for row in team.report.rows if row.success)
        xs = [0, *solved, most]
        ys = [i / count for i in range(len(solved) + 1)]
        axes.step(xs, [*ys, ys[-1]], where="post", color=team.color, lw=1.8, clip_on=False)
        words.append(f"{team.label}: {team.report.summary.steps:.1f} steps on average")
    axes.set_xlim(0, most)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(_percent)
    axes.set_xlabel("steps")
    axes.set_ylabel("solved within")
    return Plot(
        "Steps",
        "Share of episodes solved within so many actions in the world.",
        _svg(figure),
        "; ".join(words),
        _legend(teams),
    )


def _tokens(teams: Sequence[Team]) -> Plot:
    """What success takes in tokens."""
    return _price(
        teams,
        "Tokens",
        "tokens per episode",
        {t.label: t.report.summary.tokens for t in teams},
        "{:,.0f}",
    )


def _costs(teams: Sequence[Team]) -> Plot:
    """What success takes in money."""
    return _price(
        teams,
        "Cost",
        "US dollars per episode",
        {t.label: (t.report.summary.cost or 0) / max(1, len(t.report.rows)) for t in teams},
        "{:,.4g}",
    )


def _price(
    teams: Sequence[Team], title: str, unit: str, prices: dict[str, float], form: str
) -> Plot:
    """Success rates over what an episode takes of something."""
    figure, axes = _figure(2.7)
    words = []
    for team in teams:
        summary, price = team.report.summary, prices[team.label]
        if not summary.episodes:
            continue
        axes.plot((price, price), summary.interval, color=team.color, lw=1.4)
        axes.plot(price, summary.rate, "o", color=team.color, ms=7, clip_on=False)
        words.append(f"{team.label}: {form.format(price)} {unit}, {_rate(summary)}")
    axes.set_xlim(0, (max(prices.values()) or 1) * 1.1)
    axes.set_ylim(0, 1)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: form.format(value))
    axes.yaxis.set_major_formatter(_percent)
    axes.set_xlabel(unit)
    axes.set_ylabel("success rate")
    return Plot(
        f"{title} against success",
        f"Mean {unit}, and the success rate with its 95 % Wilson interval. Better is up and left.",
        _svg(figure),
        "; ".join(words),
        _legend(teams),
    )


def _stops(teams: Sequence[Team]) -> Plot:
    """Why episodes ended."""
    counted = Counter(row.stop or "no reason given" for t in teams for row in t.report.rows)
    shown = [stop for stop, _ in counted.most_common(len(STOP_COLORS))]
    legend = list(zip(shown, STOP_COLORS))
    if len(counted) > len(shown):
        legend.append(("other", OTHER))
    figure, axes = _figure(0.75 + 0.32 * len(teams))
    words = []
    for y, team in enumerate(teams):
        stops = Counter(row.stop or "no reason given" for row in team.report.rows)
        counts = [stops.pop(stop, 0) for stop in shown]
        counts += [stops.total()] * (len(legend) - len(shown))
        start = 0.0
        for (stop, color), count in zip(legend, counts, strict=True):
            if count:
                share = count / len(team.report.rows)
                axes.barh(y, share, 0.7, left=start, color=color)
                words.append(f"{team.label}, {stop}: {count}")
                start += share
    axes.set_yticks(range(len(teams)), [_short(team.label) for team in teams])
    axes.set_ylim(len(teams) - 0.5, -0.5)
    _shares(axes)
    axes.set_xlabel("share of episodes")
    return Plot("Why episodes ended", "Share of episodes.", _svg(figure), "; ".join(words), legend)


def _figure(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(color=GRID, alpha=0.3, lw=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _shares(axes: Axes) -> None:
    """A horizontal axis from 0 to 100 %, and no grid along the names."""
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(_percent)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _svg(figure: Figure) -> str:
    """The figure's `svg` element, with the page's colours and without ids that could clash."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(TEXT, "currentColor").replace(GRID, "var(--line)")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r'(<g) id="[^"]*"', r"\1", svg).replace("<svg", '<svg aria-hidden="true"', 1)


def _legend(teams: Sequence[Team]) -> list[tuple[str, str]]:
    return [(team.label, team.color) for team in teams]


def _rate(summary: Summary) -> str:
    low, high = summary.interval
    return f"{summary.rate:.0%} ({low:.0%} to {high:.0%})"


def _short(name: str) -> str:
    name = "".join(c if c.isprintable() else " " for c in name)
    return name if len(name) <= LABEL_LENGTH else name[: LABEL_LENGTH - 1] + "…"


def _percent(value: float, _: Any = None) -> str:
    return f"{value:.0%}"
