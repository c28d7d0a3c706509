from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("numpy", reason='needs pip install "symposia[memory]"')

from symposia.cli.app import app


def attack(*arguments: object) -> Result:
    small = ("--episodes", 2, "--attack", "trigger", "--defence", "none", "--defence", "auditor")
    return CliRunner().invoke(app, ["memory", "attack", *map(str, (*small, *arguments))])


def test_an_attack_run_prints_what_came_through() -> None:
    result = attack()
    assert result.exit_code == 0, result.output
    assert "trigger" in result.stdout and "ASR-t cut" in result.stdout


def test_as_json_it_prints_figures_with_intervals(tmp_path: Path) -> None:
    markdown = tmp_path / "attacks.md"
    result = attack("--json", "--seed", 4, "--markdown", markdown)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["settings"]["seed"] == 4
    (none, auditor) = told["cells"]
    assert none["asr_t"]["value"] == 1.0 and none["asr_t"]["total"] == 2
    assert auditor["asr_t"]["value"] == 0.0
    assert "| trigger | auditor |" in markdown.read_text()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--attack", "hug"), "hug"),
        (("--defence", "hope"), "hope"),
        (("--model", "nothing"), "nothing"),
        (("--model", "scripted:none.txt"), "none.txt"),
        (("--format", "runes"), "runes"),
        (("--temperature", "0"), "--model"),
        (("--markdown", "nowhere/a.md"), "nowhere"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments: tuple[str, ...], named: str) -> None:
    result = attack(*arguments)
    assert result.exit_code == 2
    assert named in result.stderr and "Traceback" not in result.stderr
