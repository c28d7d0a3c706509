"""The command `symposia`: each of its commands has a file of its own."""

from __future__ import annotations

import typer

from . import ask, bench, episodes, listings, play, teams, train
from .attack import EXAMPLES as ATTACK_EXAMPLES
from .attack import attack
from .memory import memory
from .sandbox import sandbox
from .serve import serve
from .webshop import webshop

app = typer.Typer(
    name="symposia",
    help="Compose teams of language-model agents, run them on benchmarks, train them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for module in (ask, bench, play, train, teams, listings, episodes):
    app.add_typer(module.commands)
app.add_typer(webshop, name="webshop")
app.add_typer(sandbox, name="sandbox")
app.add_typer(memory, name="memory")
memory.command(epilog=ATTACK_EXAMPLES)(attack)
app.add_typer(serve)
