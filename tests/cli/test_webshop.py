from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("numpy", reason='needs pip install "symposia[webshop]"')

from symposia.benchmarks.webshop import GeneratedShop
from symposia.cli.app import app


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMPOSIA_CACHE", str(tmp_path / "cache"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_goals_of_a_generated_shop_are_drawn_with_the_seed(tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.json" for n in range(3)]
    for file, seed in zip(files, (1, 1, 2)):
        result = run("webshop", "goals", "--seed", seed, "--products", 20, file)
        assert result.exit_code == 0, result.output
    one, same, other = (file.read_text() for file in files)
    assert one == same != other
    assert f"{len(json.loads(one))} goals in" in run(
        "webshop", "goals", "--seed", 1, "--products", 20, files[0]
    ).stderr.replace("\n", " ")


def test_goals_of_data_files_are_played(tmp_path: Path) -> None:
    GeneratedShop(20).write(tmp_path)
    out = tmp_path / "goals.json"
    assert run("webshop", "goals", "--data", tmp_path, "--human", out).exit_code == 0
    goal = json.loads(out.read_text())["0"]
    assert isinstance(goal["goal_options"], list)
    actions = tmp_path / "actions.txt"
    wanted = [goal["asin"], *goal["goal_options"], "Buy Now"]
    actions.write_text("\n".join([f"search[{goal['name']}]", *(f"click[{w}]" for w in wanted)]))
    play = ("play", "webshop", "--data", tmp_path, "--option", f"goals={out}", "--actions", actions)
    lines = [json.loads(line) for line in run(*play, "--json").stdout.splitlines()]
    assert goal["instruction_text"] in lines[0]["text"]
    assert (lines[-1]["reward"], lines[-1]["done"]) == (1.0, True)
    shown = run(*play)
    assert f"> search[{goal['name']}]" in shown.stdout.replace("\n", " ")


def test_bench_plays_webshop(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("<action>search[red]</action>\n" * 50)
    model = f"scripted:{tmp_path}/script.txt"
    options = ("--option", "products=20", "--option", "max_steps=2", "--limit", 3, "--json")
    result = run("bench", "webshop", "--model", model, "--store", tmp_path / "runs", *options)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["manifest"]["config"]["options"]["rewards"] in ("official", "approximate")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "nowhere", "o.json"), "no items_shuffle*.json in"),
        (("--products", "20", "nowhere/o.json"), "nowhere/o.json"),
        (("--products", "1", "--human", "o.json"), "no goals in the generated shop (human)"),
    ],
)
def test_bad_input_is_one_clear_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("webshop", "goals", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.output


def test_the_commands_explain_themselves() -> None:
    assert "goals" in run("webshop", "--help").stdout
    assert "manifest" in run("webshop", "goals", "--help").stdout
