"""The commands that list what is here: environments, installed features, published methods."""

from __future__ import annotations

import json

import typer
from rich.table import Table

from .console import console, plain_errors
from .options import AsJson

commands = typer.Typer()


@commands.command(name="environments")
def environments_command(as_json: AsJson = False) -> None:
    """List the environments that `bench` and `play` know by name."""
    from dataclasses import asdict

    from .environments import environments

    listed = environments()
    if as_json:
        print(json.dumps([asdict(each) for each in listed]))
        return
    table = Table("environment", "splits", "what it is")
    for each in listed:
        table.add_row(each.name, ", ".join(each.splits), each.summary or each.missing)
    console.print(table)


@commands.command(name="recipes")
def recipes_command(as_json: AsJson = False) -> None:
    """List the training methods that `train` knows by name, and the papers that they are from."""
    from dataclasses import asdict

    from .recipes import recipes

    listed = recipes()
    if as_json:
        print(json.dumps([asdict(each) for each in listed]))
        return
    table = Table("recipe", "for", "what it does", "arXiv")
    for each in listed:
        table.add_row(each.name, each.place, each.summary or each.missing, each.arxiv)
    console.print(table)


@commands.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, what is missing for which feature, and how to get it."""
    from dataclasses import asdict

    from .doctor import diagnose, render

    checks = diagnose()
    if as_json:
        print(json.dumps([asdict(check) for check in checks]))
    else:
        console.print(render(checks))


@commands.command()
def systems(as_json: AsJson = False) -> None:
    """List the published methods that are implemented, with module and test."""
    from dataclasses import asdict

    from .systems import systems as implemented

    with plain_errors():
        found = implemented()
    if as_json:
        print(json.dumps([asdict(system) for system in found]))
        return
    table = Table("method", "arXiv", "kind", "module")
    for system in found:
        table.add_row(system.title, system.arxiv, system.kind, system.module)
    console.print(table)
