from __future__ import annotations

import pytest
from reports import report, results, row

from symposia.benchmarks import to_markdown


def cells(text: str, first: str) -> list[str]:
    """The cells of the line that begins with `first`."""
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")][1:]


def test_one_team_is_a_table_and_how_it_was_got() -> None:
    made = results("act", [1], [0], manifest={"config": {"split": "test", "seed": 7}})
    text = to_markdown([made])
    assert cells(text, "act")[:2] == ["50.0 (9.5 to 90.5)", "0.500"]
    assert "- act on alfworld: 2 episodes of 2 tasks, split test, seed 7" in text
    assert "| step limit | 1 |" in text
    assert "Differences" not in text
    assert "pass@k" not in text


def test_teams_are_shown_with_their_differences_and_attempts() -> None:
    text = to_markdown([results("a", [0, 0], [1, 0]), results("b", [1, 1], [1, 1])])
    assert "Differences from a in points" in text
    assert "exact sign-flip test over tasks" in text
    tables = text.split("Differences from a")[1]
    figures = cells(tables.split("| team | k |")[0], "b")
    assert figures[:4] == ["4", "0", "3", "0"]
    assert figures[4].startswith("+75.0 (")
    assert "| a | 2 | 50.0" in text
    assert "| b | 2 | 100.0" in text


def test_every_table_is_rectangular_and_names_break_none() -> None:
    nasty = "a|b *c* `d`\n<e> [f]"
    rows = [row("t", kind=nasty), row("u", kind="plain", success=False)]
    text = to_markdown([report(nasty, rows), report("b", rows)])
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        bars = {line.replace("\\|", "").count("|") for line in lines}
        assert len(bars) <= 1
    assert "a\\|b \\*c\\* \\`d\\` \\<e\\> \\[f\\]" in text


def test_runs_that_differ_in_more_than_the_team_are_marked() -> None:
    made = [report(str(seed), [row()], manifest={"config": {"seed": seed}}) for seed in (0, 1)]
    assert "**The runs differ in seed: 0, 1.**" in to_markdown(made)


def test_no_report_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one report"):
        to_markdown([])
