"""Reports made by hand, for the tests of what is made of reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symposia.benchmarks import Report, Row


def row(task: str = "t1", *, success: bool = True, kind: str = "", **fields: Any) -> Row:
    """An episode's row."""
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
    """A report of the run `run-TEAM`."""
    values: dict[str, Any] = {"run": f"run-{team}", "environment": "alfworld"} | fields
    return Report(team=team, rows=rows, **values)


def results(team: str, *tasks: Sequence[bool], **fields: Any) -> Report:
    """A report with these successes, a sequence a task."""
    rows = [
        row(f"t{i}", success=bool(success), attempt=attempt)
        for i, attempts in enumerate(tasks)
        for attempt, success in enumerate(attempts)
    ]
    return report(team, rows, **fields)
