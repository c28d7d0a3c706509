from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from worlds import Tagged

from symposia.agents import ToolAgent
from symposia.benchmarks import Report, compare, evaluate_sync
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
