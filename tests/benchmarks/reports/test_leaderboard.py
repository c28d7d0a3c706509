from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from reports import report, results, row

from symposia.benchmarks import Leaderboard
from symposia.benchmarks.reports import Entry

CONFIG = {"split": "test", "seed": 3, "model": "tiny"}


def manifest(**config: object) -> dict[str, object]:
    return {"config": CONFIG | config, "packages": {"symposia": "0.1.0"}, "git": "abc"}


def test_a_line_says_what_came_of_a_run_and_what_it_was(tmp_path: Path) -> None:
    board = Leaderboard(tmp_path)
    board.add(results("act", [1, 0], [1, 1], manifest=manifest()))
    (line,) = (tmp_path / "leaderboard.jsonl").read_text().splitlines()
    held = json.loads(line)
    assert (held["run"], held["split"], held["seed"], held["model"]) == (
        *("run-act", "test", 3, "tiny"),
    )
    assert (held["tasks"], held["episodes"], held["attempts"], held["successes"]) == (2, 4, 2, 3)
    assert held["pass_at"] == [0.75, 1.0]
    assert held["pass_hat"] == [0.75, 0.5]
    assert held["interval"][0] < held["rate"] < held["interval"][1]
    assert held["packages"] == {"symposia": "0.1.0"}
    assert len(held["digest"]) == 16
    assert board.entries() == [Entry.model_validate_json(line)]


def test_a_run_that_is_done_again_replaces_its_line(tmp_path: Path) -> None:
    board = Leaderboard(tmp_path / "board.jsonl")
    board.add(results("act", [0], manifest=manifest()))
    board.add(results("other", [0], manifest=manifest()))
    board.add(results("act", [1], manifest=manifest()))
    assert [(e.team, e.rate) for e in board.entries()] == [("other", 0), ("act", 1)]
    board.add(results("act", [1], manifest=manifest(seed=4)))
    assert len(board.entries()) == 3  # other settings: another run


def test_the_best_come_first_in_a_table_for_each_environment_and_split(tmp_path: Path) -> None:
    board = Leaderboard(tmp_path)
    board.add(results("weak", [0], [1], manifest=manifest()))
    board.add(results("strong", [1], [1], manifest=manifest()))
    board.add(results("elsewhere", [1], manifest=manifest(), environment="webshop"))
    household, shop = board.tables()
    assert str(household.title) == "alfworld, split test"
    assert [str(cell) for cell in household.columns[1].cells] == ["strong", "weak"]
    assert str(shop.title) == "webshop, split test"


def test_fields_of_a_later_version_are_kept(tmp_path: Path) -> None:
    board = Leaderboard(tmp_path)
    board.add(results("old", [1], manifest=manifest()))
    held = json.loads(board.path.read_text()) | {"carbon": 1.5}
    board.path.write_text(json.dumps(held) + "\n")
    board.add(results("new", [1], manifest=manifest()))
    assert json.loads(board.path.read_text().splitlines()[0])["carbon"] == 1.5


@pytest.mark.parametrize("damaged", [b'{"run": "half', b'{"run": 3}', b"\xff\xfe", b"[]"])
def test_a_damaged_line_is_named_and_nothing_is_lost(
    damaged: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    board = Leaderboard(tmp_path)
    board.add(results("act", [1], manifest=manifest()))
    with board.path.open("ab") as file:
        file.write(damaged + b"\n")
    before = board.path.read_bytes()
    board.add(results("new", [1], manifest=manifest()))
    assert board.path.read_bytes().startswith(before)
    (warning,) = caplog.messages
    assert "leaderboard.jsonl, line 2 is no leaderboard entry and is left out" in warning
    assert [entry.team for entry in board.entries()] == ["act", "new"]


def test_a_run_without_episodes_has_no_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no episodes"):
        Leaderboard(tmp_path).add(report())


def test_names_with_odd_characters_stay_on_one_line(tmp_path: Path) -> None:
    board = Leaderboard(tmp_path)
    board.add(report("a\u2028b\nc", [row()]))
    board.add(report("d", [row()]))
    assert [entry.team for entry in board.entries()] == ["a\u2028b\nc", "d"]


def test_many_processes_write_one_file(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from reports import results\n"
        "from symposia.benchmarks import Leaderboard\n"
        "for i in range(5):\n"
        "    Leaderboard(sys.argv[2]).add(results(f'{sys.argv[3]}-{i}', [1]))\n"
    )
    here = str(Path(__file__).parents[2])
    writers = [
        subprocess.Popen([sys.executable, "-c", code, here, str(tmp_path), str(n)])
        for n in range(3)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert len(Leaderboard(tmp_path).entries()) == 15
    assert not list(tmp_path.glob(".leaderboard*"))
