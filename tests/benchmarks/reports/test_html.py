from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from reports import report, results, row

from symposia.benchmarks import Report, write_html

NASTY = "<script>alert('x')</script> & $\\frac{ \x07"


class Page(HTMLParser):
    """The tags and the visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def page(tmp_path: Path, *reports: Report, **options: Any) -> Page:
    path = write_html(reports, tmp_path / "new" / "report.html", **options)
    return Page(path.read_text(encoding="utf-8"))


def test_what_the_world_told_stands_with_failed_episodes(tmp_path: Path) -> None:
    told = {"mistake": "timeout", "tests": 6, "note": NASTY}
    failed = report("a", [row("t", success=False, remarks=told)])
    words = page(tmp_path, failed).words
    assert "mistake: timeout · tests: 6 · note: <script>" in words
    assert "so the world calls the mistake" in words
    solved = page(tmp_path, report("a", [row("t", remarks=told)])).words
    assert "timeout" not in solved


def test_the_page_says_what_is_approximate(tmp_path: Path) -> None:
    about = {"config": {"options": {"rewards": "approximate"}}}
    assert "approximate: rewards" in page(tmp_path, report(rows=[row("a")], manifest=about)).words


def test_graded_scores_are_shown_and_compared(tmp_path: Path) -> None:
    graded = [report(team, [row("a", score=0.25, success=False)]) for team in ("a", "b")]
    assert "mean score 0.25" in page(tmp_path, *graded).words
    assert "+0.00 (+0.00 to +0.00)" in page(tmp_path, *graded).words
    assert "mean score" not in page(tmp_path, report(rows=[row("a")])).words


def test_two_teams_are_compared_on_one_page(tmp_path: Path) -> None:
    tasks = [("t1", "pick"), ("t2", "look")]
    strong = report("strong", [row(task, kind=kind) for task, kind in tasks])
    weak = report("weak", [row(task, kind=kind, success=kind == "look") for task, kind in tasks])
    made = page(tmp_path, strong, weak, title="Strong against weak")
    assert "Strong against weak" in made.words
    assert "do not compare" not in made.words
    for figure in ("2/2", "100% (34 to 100)", "1/2", "50% (9 to 91)", "1,234", "step limit"):
        assert figure in made.words
    pictures = [attrs["aria-label"] for attrs in made.all("div") if attrs.get("role") == "img"]
    assert len(pictures) == len(made.all("svg")) == 5
    assert "weak, pick: 0% (0% to 79%)" in pictures[0]
    assert "weak, step limit: 1" in pictures[-1]


def test_the_page_is_self_contained(tmp_path: Path) -> None:
    made = page(tmp_path, report(rows=[row()]))
    assert not made.all("script")
    assert not made.all("link")
    links = {key: value for _, attrs in made.tags for key, value in attrs.items()}
    assert "src" not in links
    assert links["xlink:href"].startswith("#")


def test_cost_is_plotted_where_there_is_any(tmp_path: Path) -> None:
    assert "Cost against success" not in page(tmp_path, report(rows=[row()])).words
    assert "Cost against success" in page(tmp_path, report(rows=[row(cost=0.02)])).words


def test_what_users_and_models_wrote_is_escaped(tmp_path: Path) -> None:
    rows = [row(NASTY, kind=NASTY, stop=NASTY, error=NASTY + "\ud800", success=False)]
    made = page(tmp_path, report(NASTY, rows, manifest={"model": NASTY}), title=NASTY)
    assert not made.all("script")
    assert made.words.count("<script>alert('x')</script>") >= 6


def test_a_run_without_episodes_makes_a_page(tmp_path: Path) -> None:
    made = page(tmp_path, report())
    assert "No episodes were played" in made.words
    assert "0/0" in made.words


def test_teams_that_played_other_tasks_are_not_compared_silently(tmp_path: Path) -> None:
    made = page(tmp_path, report("a", [row("t1")]), report("b", [row("t2")]))
    assert "do not compare" in made.words


def test_two_runs_of_one_team_are_told_apart(tmp_path: Path) -> None:
    first, second = (Report(run, "react", "alfworld", [row()]) for run in ("run-1", "run-2"))
    made = page(tmp_path, first, second)
    assert "react (run-1)" in made.words
    assert "react (run-2)" in made.words


def test_the_same_reports_give_the_same_page(tmp_path: Path) -> None:
    reports = [report(rows=[row(kind="pick"), row("t2", success=False)])]
    first, second = (write_html(reports, tmp_path / name) for name in ("1.html", "2.html"))
    assert first.read_bytes() == second.read_bytes()


def test_several_attempts_are_drawn_as_a_curve(tmp_path: Path) -> None:
    once = page(tmp_path, results("once", [1], [0]))
    assert "pass@k" not in once.words
    made = page(tmp_path, results("often", [1, 0, 0], [0, 0, 0], [1, 1, 1]))
    pictures = [attrs["aria-label"] for attrs in made.all("div") if attrs.get("role") == "img"]
    assert any("often, 3 attempts: pass@k 67%, pass^k 33%" in text for text in pictures)
    assert "By number of attempts" in made.words


def test_the_page_says_how_teams_differ_on_the_episodes_that_both_played(tmp_path: Path) -> None:
    weak = results("weak", *[[0]] * 10)
    strong = results("strong", *[[1]] * 12)
    words = " ".join(page(tmp_path, weak, strong).words.split())
    assert "better than weak: +100.0 points" in words
    assert ", p = 0.002" in words
    assert "10 2 10 0 +100.0" in words
    assert "Holm's correction" not in words
    three = " ".join(page(tmp_path, weak, strong, results("weak too", *[[0]] * 10)).words.split())
    assert "no clear difference from weak: +0.0 points" in three
    assert "Holm's correction for 2 comparisons" in three


def test_the_page_names_settings_that_differ(tmp_path: Path) -> None:
    manifests = [{"config": {"seed": seed}} for seed in (0, 1)]
    first, second = (
        report(str(i), [row()], manifest=manifest) for i, manifest in enumerate(manifests)
    )
    assert "differ in more than the team: seed: 0, 1" in page(tmp_path, first, second).words


def test_failures_are_told_apart_by_cause(tmp_path: Path) -> None:
    rows = [
        row("a", success=False, repeated=6),
        row("b", success=False, invalid=6),
        row("c", success=False, stop="budget of 3 model calls is spent"),
    ]
    made = page(tmp_path, report(rows=rows))
    pictures = [attrs["aria-label"] for attrs in made.all("div") if attrs.get("role") == "img"]
    assert "react, loop: 1; react, invalid actions: 1; react, budget: 1" in pictures[-1]
    assert "its budget was spent" in made.words


def test_no_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        write_html([], tmp_path / "report.html")


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf'{package}: pip install "symposia\[view\]"'):
        write_html([report()], tmp_path / "report.html")
