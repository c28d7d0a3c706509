"""`symposia memory`: what agents remember, looked at and looked after."""

from __future__ import annotations

import typer

from .memory_review import review

memory = typer.Typer(
    help="See, search, move and forget what agents remember.", no_args_is_help=True
)


@memory.callback()
def _memory() -> None:
    """See, search, move and forget what agents remember."""


memory.command(
    epilog="Examples: `symposia memory review memory.db team/solver` · "
    "`symposia memory review memory.db team/solver --reject KEY --reason 'planted' --json`"
)(review)
