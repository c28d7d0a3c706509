from __future__ import annotations

import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from symposia.benchmarks import Report, Row, write_html

NASTY = "<script>alert('x')</script> & $\\frac{ \x07"


def row(task: str = "t1", *, success: bool = True, kind: str = "", **fields: Any) -> Row:
    values: dict[str, Any] = {
        "attempt": 0,
        "score": float(success),
        "stop": "solved" if success else "step limit",
        "error": "",
        "steps": 7,
        "calls": 9,
        "prompt_tokens": 1200,
        "completion_tokens": 34,
        "unreadable": 0,
        "seconds": 1.5,
        "cost": 0.0,
    }
    return Row(**values | {"task": task, "kind": kind, "success": success} | fields)


def report(team: str = "react", rows: Sequence[Row] = (), **fields: Any) -> Report:
    return Report(run=f"run-{team}", team=team, environment="alfworld", rows=rows, **fields)


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
