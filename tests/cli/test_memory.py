from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from symposia.cli.app import app
from symposia.memory import MemoryStore, memory_key
from symposia.memory.keys import VARIABLE


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with three records of a solver, sealed with the user's key."""
    monkeypatch.setenv(VARIABLE, "ab" * 32)

    async def fill() -> None:
        async with MemoryStore.open(tmp_path / "memory.db", key=memory_key()) as opened:
            memory = opened.memory("team", "solver")
            writer = memory.writer("solver", episode="t/0", trust=0.8)
            await writer.write("mugs are in the cabinet", key="mugs", action="open cabinet")
            await writer.write("the fridge \x1b[31m cools", key="fridge")
            await writer.write("nonsense [red]", key="odd")
            await memory.mark("odd", "quarantined", reason="odd", by="guard")
            await opened.memory("shared").writer("w").write("for all")

    asyncio.run(fill())
    return tmp_path / "memory.db"


def run(*arguments: object, fails: bool = False) -> str:
    done = CliRunner().invoke(app, ["memory", *map(str, arguments)])
    assert (done.exit_code != 0) == fails, done.output
    return done.output


def test_memories_and_their_records_are_listed(store: Path) -> None:
    assert json.loads(run("list", "--store", store, "--json")) == {"shared": 1, "team/solver": 3}
    assert "team/solver" in run("list", "--store", store)
    keys = [r["key"] for r in json.loads(run("list", "team/solver", "--store", store, "--json"))]
    assert keys == ["mugs", "fridge", "odd"]
    told = run("list", "team/solver", "--store", store, "--status", "quarantined", "--json")
    assert [r["key"] for r in json.loads(told)] == ["odd"]
    newest = run("list", "team/solver", "--store", store, "--limit", 1, "--json")
    assert [r["key"] for r in json.loads(newest)] == ["odd"]
    table = run("list", "team/solver", "--store", store)
    assert "mugs" in table and "\x1b" not in table


def test_records_are_searched_and_shown(store: Path) -> None:
    (found,) = json.loads(
        run("search", "team/solver", "where is a mug?", "--store", store, "-k", 1, "--json")
    )
    assert found["key"] == "mugs"
    assert found["provenance"]["writer"] == "solver"
    assert "mugs" in run("search", "team/solver", "mug", "--store", store)
    shown = json.loads(run("show", "team/solver", "odd", "--store", store, "--json"))
    assert (shown["status"], shown["audit"][0]["by"]) == ("quarantined", "guard")
    said = run("show", "team/solver", "fridge", "--store", store)
    assert "\\x1b[31m" in said and "\x1b" not in said
    assert "mark quarantined by guard: odd" in run("show", "team/solver", "odd", "--store", store)


def test_a_memory_goes_out_and_comes_in_elsewhere(store: Path, tmp_path: Path) -> None:
    path, other = tmp_path / "out.jsonl", tmp_path / "other"
    assert json.loads(run("export", "team/solver", path, "--store", store, "--json")) == {
        "records": 3
    }
    done = json.loads(run("import", "team/solver", path, "--store", other, "--json"))
    assert done == {"trusted": 3, "quarantined": 0, "skipped": 0}
    done = json.loads(run("import", "shared", path, "--store", other, "--by", "Ada", "--json"))
    assert done == {"trusted": 0, "quarantined": 3, "skipped": 0}
    shown = json.loads(run("show", "shared", "mugs", "--store", other, "--json"))
    assert (shown["provenance"]["writer"], shown["status"]) == ("Ada", "quarantined")
    assert "3 skipped" in run("import", "shared", path, "--store", other)


def test_records_are_forgotten_by_key_and_by_limits(store: Path) -> None:
    gone = run("forget", "team/solver", "fridge", "--store", store, "--reason", "old", "--json")
    assert json.loads(gone) == {"fridge": "old"}
    would = run("forget", "team/solver", "--store", store, "--keep", 1, "--dry-run")
    assert "1 records would be forgotten" in would
    assert len(json.loads(run("list", "team/solver", "--store", store, "--json"))) == 2
    run("forget", "team/solver", "--store", store, "--keep", 1, "--older-than", "1h")
    assert len(json.loads(run("list", "team/solver", "--store", store, "--json"))) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "team/solver", "nothing"], "no record 'nothing' in team/solver"),
        (["forget", "team/solver", "nothing"], "no record 'nothing' in team/solver"),
        (["forget", "team/solver"], "say what to forget"),
        (["forget", "team/solver", "mugs", "--keep", "1"], "say what to forget"),
        (["forget", "team/solver", "--older-than", "soon"], "no age 'soon'; write a number"),
        (["list", "team/solver", "--status", "gone"], "no status 'gone'; there are: active"),
        (["list", "a.b"], "'a.b' cannot be in a namespace"),
        (["list", "team"], "no memory 'team'; there are: shared, team/solver"),
        (["search", "team", "mugs"], "no memory 'team'; there are: shared, team/solver"),
        (["export", "team", "out.jsonl"], "no memory 'team'; there are: shared, team/solver"),
        (["review", "team"], "no memory 'team'; there are: shared, team/solver"),
        (["import", "team/solver", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(store: Path, arguments, words: str) -> None:
    said = run(*arguments, "--store", store, fails=True)
    assert words in " ".join(said.split())
    assert "Traceback" not in said


def test_a_store_that_is_not_there_is_not_made_by_looking(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "ab" * 32)
    said = run("list", "--store", tmp_path / "nowhere", fails=True)
    assert "no memory at" in said
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("command", ["list", "search", "show", "export", "import", "forget"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    assert "Example" in run(command, "--help")
