"""The commands `symposia show` and `symposia export`: episodes of stored runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from .console import console, plain_errors, stderr
from .options import AsJson

commands = typer.Typer()


@commands.command(
    epilog="Example: `symposia show arithmetic-test-answer-tiny-0 arithmetic:test/0/3`"
)
def show(
    run: Annotated[str, typer.Argument(help="The run's name.")],
    task: Annotated[
        str | None, typer.Argument(help="A task's id; without one they are listed.")
    ] = None,
    attempt: Annotated[int, typer.Option(min=0, help="Which of the task's episodes.")] = 0,
    store: Annotated[Path, typer.Option(help="Folder that keeps the episodes.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Show one episode, turn by turn; or list those of a run and how they ended."""
    from dataclasses import asdict

    from ..benchmarks import Report
    from ..episodes import EpisodeStore, to_markdown

    with plain_errors(), EpisodeStore(store, create=False) as kept:
        kept.manifest(run)
        if task is not None:
            episode = kept.episode(run, task, attempt)
            print(json.dumps(asdict(episode)) if as_json else to_markdown(episode))
            return
        rows = Report.stored(kept, run).rows
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    table = Table(
        Column("task", overflow="fold"), "attempt", "score", "steps", "tokens", "how it ended"
    )
    for row in rows:
        score, tokens = f"{row.score:.2f}", str(row.tokens)
        table.add_row(row.task, str(row.attempt), score, str(row.steps), tokens, row.stop)
    console.print(table)


@commands.command(epilog="Example: `symposia export runs alfworld-generated-act-tiny-0 e.parquet`")
def export(store: Path, run: str, out: Path) -> None:
    """Write the episodes of a run as JSON lines (`.jsonl`) or Parquet (`.parquet`)."""
    from ..episodes import EpisodeStore
    from ..episodes import export as write

    with plain_errors(), EpisodeStore(store, create=False) as kept:
        kept.manifest(run)
        count = write(kept.episodes(run), out)
    stderr.print(f"{count} episodes in {out}")
