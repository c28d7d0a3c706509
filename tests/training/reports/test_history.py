from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from symposia.training.reports import History, Iteration, curve_line, iteration_table
from symposia.training.reports.table import sparkline


def write(folder: Path, number: int, **files: object) -> None:
    at = folder / "iterations" / f"{number:04d}"
    at.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (at / f"{name}.json").write_text(json.dumps(value))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One iteration that is whole, one that was undone, and one whose update is under way."""
    (tmp_path / "plan.json").write_text('{"recipe": "grpo"}')
    two = {"anna": {"loss": 1.0, "mismatch": 0.1}, "ben": {"loss": 3.0}}
    write(tmp_path, 0, evaluate={"score": 0.25}, rows={"counts": {"anna": 5, "ben": 6}, "score": 0})
    write(tmp_path, 0, update={"measures": two}, promote={"back": False})
    write(tmp_path, 1, evaluate={"score": 0.5}, rows={"counts": {"anna": 7}, "score": 0.4})
    write(tmp_path, 1, update={"measures": {}}, promote={"back": True})
    write(tmp_path, 2, evaluate={"score": 0.125}, rows={"counts": {"anna": 9}, "score": 0.6})
    return tmp_path


def test_a_history_is_read_from_what_the_arrows_left(folder: Path) -> None:
    history = History.read(folder)
    start, first, second, third = history.iterations
    assert history.plan == {"recipe": "grpo"}
    assert start == Iteration(0, tested=0.25)
    assert (first.collected, first.tested, first.mean("loss")) == (0, 0.5, 2.0)
    assert first.mean("mismatch") == 0.1
    assert first.mean("kl") is None
    assert second.back and second.tested == 0.125
    assert third.rows == {"anna": 9} and third.updates is None and third.tested is None
    assert history.tests == [(0, 0.25), (1, 0.5), (2, 0.125)]


def test_a_run_that_is_about_to_begin_has_no_history(tmp_path: Path) -> None:
    history = History.read(tmp_path)
    assert history.iterations == []
    assert not curve_line(history)


def test_a_damaged_file_is_named(folder: Path) -> None:
    (folder / "iterations/0001/rows.json").write_text("{")
    with pytest.raises(ValueError, match=r"0001/rows\.json is damaged"):
        History.read(folder)


def test_the_table_has_a_line_an_iteration(folder: Path) -> None:
    console = Console(width=80, record=True, file=(folder / "out").open("w"))
    console.print(iteration_table(History.read(folder)))
    console.print(curve_line(History.read(folder)))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert lines[1] == ["start", "25.0", "%"]
    assert lines[2] == ["1", "0.0", "%", "5", "6", "2", "0.1", "50.0", "%"]
    assert lines[3] == ["2", "40.0", "%", "7", "12.5", "%", "undone"]
    assert " ".join(lines[5]) == "test ▃▅▂ 25.0 % → 12.5 %, best 50.0 %"


def test_bars_rise_with_what_they_show() -> None:
    assert sparkline([0, 0.5, 1]) == "▁▅█"
    assert sparkline([-1, 0, 1]) == "▁▅█"
    assert sparkline([0, 3]) == "▁█"
