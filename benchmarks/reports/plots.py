"""What the page shows in pictures: success, differences, attempts, steps, cost and failures."""

from __future__ import annotations

from collections.abc import Sequence

from .canvas import TEXT, Plot, Team, legend, name_rows, new_figure, percent, short, svg
from .comparison import Difference
from .failures import FAILURES
from .intervals import Interval
from .summary import Summary

SOLVED = "solved"
OUTCOME_COLORS = {
    SOLVED: "#2a8f6d",
    "task error": "#9a4a4a",
    "error": "#c8505f",
    "parse failure": "#b4559b",
    "loop": "#c8641e",
    "invalid actions": "#98781a",
    "budget": "#7068c9",
    "step limit": "#5d7fa3",
    "not solved": "#6f7a86",
}
"""How episodes ended: solved, or one of `FAILURES`."""
LINE, BAND, DOT = 1.8, 0.16, 6.5
"""Width of lines, opacity of intervals around curves, size of dots."""


def draw(teams: Sequence[Team], differences: Sequence[Difference]) -> list[Plot]:
    """The plots that have something to show."""
    teams = [team for team in teams if team.report.rows]
    rows = [row for team in teams for row in team.report.rows]
    if not rows:
        return []
    plots = [_rates(teams)]
    if differences:
        plots.append(_differences(teams, differences))
    if any(len(team.report.curve) > 1 for team in teams):
        plots.append(_attempts(teams))
    if any(row.steps for row in rows):
        plots.append(_steps(teams))
    plots.append(_tokens(teams))
    if any(row.cost for row in rows) and all(row.cost is not None for row in rows):
        plots.append(_costs(teams))
    return [*plots, _outcomes(teams)]


def _rates(teams: Sequence[Team]) -> Plot:
    """Success rates with their intervals, for all tasks and per type."""
    kinds = sorted({kind for team in teams for kind in team.report.kinds})
    groups: list[tuple[str, list[Summary | None]]] = [
        ("all tasks", [t.report.summary for t in teams])
    ]
    groups += [(kind, [t.report.kinds.get(kind) for t in teams]) for kind in kinds]
    figure, axes = new_figure(0.75 + len(groups) * (0.12 + 0.16 * len(teams)))
    height = 0.76 / len(teams)
    words = []
    for row, (name, summaries) in enumerate(groups):
        for i, (team, summary) in enumerate(zip(teams, summaries, strict=True)):
            if summary is None:
                continue
            y = row + (i - (len(teams) - 1) / 2) * height
            axes.plot(summary.interval, (y, y), color=team.color, lw=2.2, alpha=0.55)
            axes.plot(summary.rate, y, "o", color=team.color, ms=DOT, clip_on=False)
            words.append(f"{team.label}, {name}: {_rate(summary)}")
    name_rows(axes, [name for name, _ in groups])
    if kinds:
        axes.axhline(0.5, color=TEXT, lw=0.6, alpha=0.4)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(percent)
    axes.set_xlabel("success rate")
    return Plot(
        "Success",
        "Share of episodes that succeeded, with the 95 % Wilson interval.",
        svg(figure),
        "; ".join(words),
        legend(teams),
    )


def _differences(teams: Sequence[Team], differences: Sequence[Difference]) -> Plot:
    """How far each team is from the first, on the episodes that both played."""
    colors = dict(legend(teams))
    figure, axes = new_figure(0.8 + 0.34 * len(differences))
    words = []
    for y, difference in enumerate(differences):
        color = colors.get(difference.team, TEXT)
        points = [100 * end for end in difference.interval]
        axes.plot(points, (y, y), color=color, lw=2.2, alpha=0.55)
        axes.plot(100 * difference.difference, y, "o", color=color, ms=DOT)
        low, high = points
        words.append(
            f"{difference.team}: {100 * difference.difference:+.1f} ({low:+.1f} to {high:+.1f})"
        )
    name_rows(axes, [difference.team for difference in differences])
    axes.axvline(0, color=TEXT, lw=1)
    far = max(abs(100 * end) for d in differences for end in d.interval) * 1.08 or 1
    axes.set_xlim(-far, far)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.0f}" if value else "0")
    axes.set_xlabel(f"points of the success rate, against {short(differences[0].baseline)}")
    return Plot(
        "Difference",
        "Paired difference of success with its 95 % interval; right of the line is better.",
        svg(figure),
        "; ".join(words),
        [(d.team, colors.get(d.team, TEXT)) for d in differences],
    )


def _attempts(teams: Sequence[Team]) -> Plot:
    """What more attempts bring."""
    figure, axes = new_figure(2.9)
    words = []
    most = 1
    for team in teams:
        points = team.report.curve
        ks = [point.k for point in points]
        most = max([most, *ks])
        for style, values, intervals in (
            ("-", [p.pass_at for p in points], [p.pass_at_interval for p in points]),
            ("--", [p.pass_hat for p in points], [p.pass_hat_interval for p in points]),
        ):
            axes.plot(ks, values, style, color=team.color, lw=LINE, marker="o", ms=3)
            lows, highs = _ends(intervals)
            axes.fill_between(ks, lows, highs, color=team.color, alpha=BAND, lw=0)
        if points:
            last = points[-1]
            words.append(
                f"{team.label}, {last.k} attempts: pass@k {last.pass_at:.0%}, "
                f"pass^k {last.pass_hat:.0%}"
            )
    axes.set_xlim(1, most)
    axes.set_ylim(0, 1)
    axes.locator_params(axis="x", integer=True)
    axes.yaxis.set_major_formatter(percent)
    axes.set_xlabel("k attempts")
    axes.set_ylabel("share of tasks")
    return Plot(
        "Several attempts",
        "Solved by one of k attempts at least (pass@k, solid) and by all of k (pass^k, dashed), "
        "with 95 % intervals.",
        svg(figure),
        "; ".join(words),
        legend(teams),
    )


def _steps(teams: Sequence[Team]) -> Plot:
    """How much was solved within how many steps."""
    figure, axes = new_figure(2.7)
    most = max(row.steps for t in teams for row in t.report.rows)
    words = []
    for team in teams:
        count = len(team.report.rows)
        solved = sorted(row.steps for row in team.report.rows if row.success)
        xs = [0, *solved, most]
        ys = [i / count for i in range(len(solved) + 1)]
        axes.step(xs, [*ys, ys[-1]], where="post", color=team.color, lw=LINE, clip_on=False)
        words.append(f"{team.label}: {team.report.summary.steps:.1f} steps on average")
    axes.set_xlim(0, most)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(percent)
    axes.set_xlabel("steps")
    axes.set_ylabel("solved within")
    return Plot(
        "Steps",
        "Share of episodes solved within so many actions in the world.",
        svg(figure),
        "; ".join(words),
        legend(teams),
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
        {t.label: (t.report.summary.cost or 0) / len(t.report.rows) for t in teams},
        "{:,.4g}",
    )


def _price(
    teams: Sequence[Team], title: str, unit: str, prices: dict[str, float], form: str
) -> Plot:
    """Success rates over what an episode takes of something."""
    figure, axes = new_figure(2.7)
    words = []
    for team in teams:
        summary, price = team.report.summary, prices[team.label]
        axes.plot((price, price), summary.interval, color=team.color, lw=2.2, alpha=0.55)
        axes.plot(price, summary.rate, "o", color=team.color, ms=DOT, clip_on=False)
        words.append(f"{team.label}: {form.format(price)} {unit}, {_rate(summary)}")
    axes.set_xlim(0, (max(prices.values()) or 1) * 1.1)
    axes.set_ylim(0, 1)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: form.format(value))
    axes.yaxis.set_major_formatter(percent)
    axes.set_xlabel(unit)
    axes.set_ylabel("success rate")
    return Plot(
        f"{title} against success",
        f"Mean {unit}, and the success rate with its 95 % Wilson interval. Better is up and left.",
        svg(figure),
        "; ".join(words),
        legend(teams),
    )


def _outcomes(teams: Sequence[Team]) -> Plot:
    """How episodes ended: solved, or of what they failed."""
    counts = [{SOLVED: t.report.summary.successes} | t.report.failures for t in teams]
    shown = [how for how in (SOLVED, *FAILURES) if any(count.get(how) for count in counts)]
    figure, axes = new_figure(0.75 + 0.34 * len(teams))
    words = []
    for y, (team, count) in enumerate(zip(teams, counts, strict=True)):
        start = 0.0
        for how in shown:
            if held := count.get(how, 0):
                share = held / len(team.report.rows)
                axes.barh(y, share, 0.66, left=start, color=OUTCOME_COLORS[how])
                words.append(f"{team.label}, {how}: {held}")
                start += share
    name_rows(axes, [team.label for team in teams])
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(percent)
    axes.set_xlabel("share of episodes")
    return Plot(
        "How episodes ended",
        "Solved, or the cause of the failure.",
        svg(figure),
        "; ".join(words),
        [(how, OUTCOME_COLORS[how]) for how in shown],
    )


def _ends(intervals: Sequence[Interval]) -> tuple[list[float], list[float]]:
    return [low for low, _ in intervals], [high for _, high in intervals]


def _rate(summary: Summary) -> str:
    low, high = summary.interval
    return f"{summary.rate:.0%} ({low:.0%} to {high:.0%})"
