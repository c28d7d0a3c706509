from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from symposia.cli.app import app

COUNTER = "worlds:Counter"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def played(folder: Path, name: str, action: str, *more: object) -> Result:
    script = folder / f"{action}.txt"
    script.write_text(f"<action>{action}</action>\n" * 500)
    model = ("--model", f"scripted:{script}", "--max-calls", 4)
    return run("bench", COUNTER, *model, "--store", folder / "runs", "--run", name, *more)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    played(tmp_path, "good", "up")
    played(tmp_path, "bad", "down")
    return tmp_path / "runs"


def test_runs_are_compared_with_the_first_on_the_terminal_and_in_files(
    store: Path, tmp_path: Path
) -> None:
    pages = ("--html", tmp_path / "c.html", "--markdown", tmp_path / "c.md")
    result = run("bench", "--compare", "bad", "good", "--store", store, *pages)
    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    assert "difference from act (bad), on the same episodes" in words
    assert "4 0 4 0 +100.0 (+7.0 to +100.0) 0.125" in words
    assert "act (good)" in (tmp_path / "c.html").read_text()
    assert "| act (good) | 100.0" in (tmp_path / "c.md").read_text()


def test_a_comparison_is_json_when_asked(store: Path) -> None:
    made = json.loads(run("bench", "--compare", "good", "bad", "--store", store, "--json").stdout)
    assert [entry["run"] for entry in made["runs"]] == ["good", "bad"]
    assert made["differences"][0]["lost"] == 4


def test_the_leaderboard_shows_all_runs_of_a_store(store: Path) -> None:
    shown = " ".join(run("bench", "--compare", "--store", store).stdout.split())
    assert "counter, split all" in shown
    assert shown.index("good act") < shown.index("bad act")
    lines = json.loads(run("bench", "--compare", "--store", store, "--json").stdout)
    assert {line["run"]: line["rate"] for line in lines} == {"good": 1, "bad": 0}


def test_a_run_writes_markdown(tmp_path: Path) -> None:
    result = played(tmp_path, "r", "up", "--markdown", tmp_path / "r.md")
    assert result.exit_code == 0, result.output
    assert "| act | 100.0 (51.0 to 100.0)" in (tmp_path / "r.md").read_text()


def test_shards_are_run_and_merged(tmp_path: Path) -> None:
    for part in ("1/2", "2/2"):
        result = played(tmp_path, "whole", "up", "--shard", part)
        assert f"run whole-{part[0]}of2 in" in " ".join(result.stdout.split())
    merged = run("bench", "--merge", tmp_path / "runs", "--store", tmp_path / "all", "--json")
    (made,) = json.loads(merged.stdout)
    assert (made["run"], made["added"], made["missing"]) == ("whole", 4, [])
    result = run("bench", "--compare", "whole", "--store", tmp_path / "all")
    assert "4/4" in result.stdout
    assert json.loads((tmp_path / "all" / "leaderboard.jsonl").read_text())["episodes"] == 4


def test_missing_shards_are_named(tmp_path: Path) -> None:
    played(tmp_path, "whole", "up", "--shard", "2/4")
    result = run("bench", "--merge", tmp_path / "runs", "--store", tmp_path / "all")
    assert result.exit_code == 0
    assert "still missing: 1/4, 3/4, 4/4" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name an environment to run"),
        ((COUNTER, "alfworld"), "a run has one environment"),
        ((COUNTER, "--shard", "3"), "write it as part/parts, for example 3/8"),
        (("--compare", "x", "--team", "act"), "--team means nothing with --compare"),
        (("--compare", "--merge", "x"), "--merge means nothing with --compare"),
        (("--merge", "x", "--html", "h.html"), "--html means nothing with --merge"),
        (("--merge",), "name the stores"),
        (("--merge", "nowhere"), "no episode store at nowhere/episodes.db"),
        (("--compare", "x"), "no episode store at runs/episodes.db"),
        (("--compare",), "no leaderboard at runs/leaderboard.jsonl"),
        (("--compare", "--html", "h.html"), "name them after --compare"),
        (("--compare", "a", "a"), "run 'a' is named twice"),
    ],
)
def test_bad_input_is_one_clear_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("bench", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.output
    assert not (tmp_path / "runs").exists()


def test_a_run_that_is_not_there_is_named_with_those_that_are(store: Path) -> None:
    result = run("bench", "--compare", "good", "best", "--store", store)
    assert result.exit_code == 2
    assert "no run 'best'" in result.stderr
    assert "there are: good, bad" in result.stderr.replace("\n", " ")
