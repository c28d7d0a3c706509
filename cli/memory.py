"""`symposia memory`: what agents remember, looked at and looked after."""

from __future__ import annotations

import typer

memory = typer.Typer(
    help="See, search, move and forget what agents remember.", no_args_is_help=True
)


@memory.callback()
def _memory() -> None:
    """See, search, move and forget what agents remember."""
