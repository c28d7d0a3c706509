"""The commands `symposia draw` and `symposia teams`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .console import console, plain_errors
from .making import team_of, will_write
from .options import AsJson

commands = typer.Typer()


@commands.command(epilog="Example: `symposia draw act-refine --png team.png`")
def draw(
    team: str,
    png: Annotated[Path | None, typer.Option(help="Write a picture here.")] = None,
    mermaid: Annotated[Path | None, typer.Option(help="Write Mermaid text here.")] = None,
) -> None:
    """Draw a team's graph: Mermaid on the terminal, or to a file, or as a PNG."""
    from ..graphs.drawing import to_mermaid, to_png
    from ..models import ScriptedModel

    with plain_errors():
        for picture in (png, mermaid):
            will_write(picture)
        graph = team_of(team).build(ScriptedModel([]))
        text = to_mermaid(graph)
        if mermaid:
            mermaid.write_text(text, encoding="utf-8")
        if png:
            to_png(graph, png)
    if not (png or mermaid):
        print(text)


@commands.command()
def teams(as_json: AsJson = False) -> None:
    """List the teams, and the papers that they are from."""
    from ..graphs.teams import TEAMS

    if as_json:
        listed = [
            {
                "name": spec.name,
                "summary": spec.summary,
                "acts": spec.acts,
                "arxiv": spec.paper.arxiv if spec.paper else "",
                "paper": spec.paper.title if spec.paper else "",
            }
            for spec in TEAMS.values()
        ]
        print(json.dumps(listed))
        return
    table = Table("team", "for", "what it does", "arXiv")
    for spec in TEAMS.values():
        place = "worlds" if spec.acts else "questions"
        table.add_row(spec.name, place, spec.summary, spec.paper.arxiv if spec.paper else "")
    console.print(table)
