"""What `symposia bench` does with runs that are there: compare them, merge their shards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .console import console, stderr

if TYPE_CHECKING:
    from ..benchmarks import Report


def compare_runs(
    runs: Sequence[str], store: Path, html: Path | None, markdown: Path | None, as_json: bool
) -> None:
    """Compare runs of a store with the first of them; without runs, show its leaderboard.

    Raises:
        ValueError: there is nothing to compare, or runs share no episode.
        KeyError: there is no such run; the message lists those there are.
    """
    from ..benchmarks import Leaderboard, Report, compare
    from ..episodes import EpisodeStore

    if not runs:
        if html or markdown:
            raise ValueError("a page compares runs: name them after --compare")
        board = Leaderboard(store)
        if not board.path.exists():
            raise FileNotFoundError(f"no leaderboard at {board.path}: a run writes it at its end")
        if as_json:
            print(json.dumps([entry.model_dump() for entry in board.entries()]))
        else:
            for table in board.tables():
                console.print(table)
        return
    if twice := {run for run in runs if runs.count(run) > 1}:
        raise ValueError(f"run {min(twice)!r} is named twice")
    with EpisodeStore(store, create=False) as kept:
        reports = [Report.stored(kept, run) for run in runs]
    compared = compare(reports)
    if as_json:
        print(json.dumps(compared.to_dict()))
    else:
        console.print(compared.table())
        if compared.differences:
            console.print(compared.difference_table())
    write_pages(reports, html, markdown)


def merge_stores(stores: Sequence[str], into: Path, run: str | None, as_json: bool) -> None:
    """Merge the shards in `stores` into whole runs of the store `into`.

    Raises:
        ValueError: no store is named, nothing is there to merge, or configs differ.
    """
    from ..benchmarks import Leaderboard, Report, merge
    from ..episodes import EpisodeStore

    if not stores:
        raise ValueError("name the stores whose shards are to be merged after --merge")
    with ExitStack() as opened:
        sources = [opened.enter_context(EpisodeStore(s, create=False)) for s in stores]
        target = opened.enter_context(EpisodeStore(into))
        done = merge(sources, target, run=run)
        for merged in done:
            report = Report.stored(target, merged.run)
            if report.rows:
                Leaderboard(into).add(report)
            if not as_json:
                console.print(report.table())
    if as_json:
        print(json.dumps([asdict(merged) for merged in done]))
        return
    for merged in done:
        console.print(
            f"run {merged.run} in {into}: {len(merged.sources)} sources, {merged.added} episodes "
            f"added, {merged.known} known before"
        )
        if merged.missing:
            stderr.print(f"shards that are still missing: {', '.join(merged.missing)}")


def write_pages(reports: Sequence[Report], html: Path | None, markdown: Path | None) -> None:
    """Write the pages that were asked for."""
    from ..benchmarks import to_markdown, write_html

    if html:
        first = reports[0]
        environments = ", ".join(sorted({report.environment for report in reports}))
        teams = first.team if len(reports) == 1 else f"{len(reports)} teams"
        write_html(reports, html, title=f"{teams} on {environments}")
        stderr.print(f"report: {html}")
    if markdown:
        markdown.write_text(to_markdown(reports), encoding="utf-8", errors="replace")
        stderr.print(f"tables: {markdown}")
