from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from reports import report, results, row
from rich.console import Console
from rich.table import Table
from worlds import Counter, Tagged

from symposia.agents import ToolAgent
from symposia.benchmarks import (
    Leaderboard,
    Report,
    Row,
    compare,
    evaluate_sync,
    to_markdown,
    wilson,
)
from symposia.episodes import EpisodeStore
from symposia.graphs import act
from symposia.models import ScriptedModel


def played(name: str, reply: str = "<action>up</action>", **options: object) -> Report:
    team = act(ToolAgent(ScriptedModel(lambda messages: reply)), name=name)
    return evaluate_sync(team, Tagged(name, **options))


def shown(table: Table) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(table)
    return console.export_text()


@pytest.mark.parametrize("name", ["[bold]x", "[/]", ":smile:"])
def test_names_that_look_like_markup_are_printed_as_they_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = played(name)
    assert f"{name} on tagged {name}" in shown(report.table())
    assert any(line.split()[:1] == [name] for line in shown(report.table()).splitlines())
    assert name in shown(compare([report]).table())
    assert name in capsys.readouterr().err


def test_the_table_shows_the_first_error() -> None:
    report = played("x", reply="<action>raise</action>")
    assert "tagged:0: RuntimeError: the engine broke" in " ".join(shown(report.table()).split())


def test_a_report_is_json_whatever_the_options_hold() -> None:
    made = json.loads(played("x", data=Path("games")).to_json())
    assert made["manifest"]["config"]["options"]["data"] == "games"


def test_the_table_says_why_episodes_failed_and_what_attempts_brought() -> None:
    words = " ".join(shown(results("act", [1, 0], [0, 0], [1, 1]).table()).split())
    assert "pass@2 67%, pass^2 33%, best score of 2 0.67" in words
    assert "failures: step limit 3" in words


def test_reports_say_what_is_approximate(tmp_path: Path) -> None:
    guessed = report(
        rows=[row("a")], manifest={"config": {"options": {"rewards": "approximate", "seed": 0}}}
    )
    assert "Approximate: rewards" in shown(guessed.table())
    assert "approximate rewards" in to_markdown([guessed])
    board = Leaderboard(tmp_path)
    board.add(guessed)
    assert board.entries()[0].approximate == ("rewards",)
    assert "run-react (approximate)" in shown(board.tables()[0])
    assert "pproximate" not in shown(report(rows=[row("a")]).table())


def test_mistakes_that_the_world_names_are_counted_and_shown() -> None:
    def failed(task: str, **remarks: object) -> Row:
        return row(task, success=False, remarks=remarks)

    rows = [failed("a", mistake="timeout"), failed("b", mistake="timeout"), failed("c", mistake=3)]
    mixed = report(rows=[*rows, failed("d", mistake="exit"), row("e", remarks={"mistake": "x"})])
    assert mixed.mistakes == {"timeout": 2, "exit": 1}
    assert "mistakes: timeout 2, exit 1" in shown(mixed.table())
    assert "| timeout | 2 |" in to_markdown([mixed])
    assert json.loads(mixed.to_json())["mistakes"] == mixed.mistakes


def test_the_mean_score_stands_in_tables_where_scores_are_graded() -> None:
    bargains = report(rows=[row("a", score=0.25, success=False), row("b", score=1.0)])
    sums = report("sums", rows=[row("a"), row("b", success=False)])
    assert "score" in shown(bargains.table()) and "0.62" in shown(bargains.table())
    assert "score" not in shown(sums.table())
    both = compare([sums, bargains])
    assert "0.50" in shown(both.table()) and "0.62" in shown(both.table())
    assert "Mean score of react: +0.12 (" in shown(both.difference_table())
    assert "core" not in shown(compare([sums, sums]).difference_table())


def test_attempts_at_one_task_count_as_what_they_are_worth() -> None:
    alike = results("alike", *[[1] * 8] * 5, *[[0] * 8] * 5).summary
    assert alike.interval == pytest.approx(wilson(5, 10))
    once = results("once", *[[1]] * 40, *[[0]] * 40).summary
    assert once.interval == pytest.approx(wilson(40, 80))


def test_totals_of_tokens_and_cost_are_kept() -> None:
    rows = [row("a", cost=0.5), row("b", cost=0.25)]
    assert (report(rows=rows).summary.total_tokens, report(rows=rows).summary.cost) == (2468, 0.75)
    assert report(rows=[*rows, row("c", cost=None)]).summary.cost is None


def test_a_stored_run_is_reported_as_when_it_was_played(tmp_path: Path) -> None:
    team = act(ToolAgent(ScriptedModel(lambda messages: "<action>up</action>")))
    with EpisodeStore(tmp_path) as store:
        options = {"store": store, "run": "r", "progress": False}
        first = evaluate_sync(team, Counter(), attempts=2, **options)
        assert Report.stored(store, "r") == first
        with pytest.raises(KeyError, match="no run 'x'"):
            Report.stored(store, "x")
