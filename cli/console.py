"""What all commands say, and how they say what went wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from ..benchmarks import TaskError

# Names and messages are printed as they are, also those that look like markup.
console = Console(markup=False, emoji=False, highlight=False)
stderr = Console(stderr=True, markup=False, emoji=False, highlight=False)

MENDABLE = (ValueError, KeyError, ImportError, OSError, TaskError, sqlite3.Error)
"""Errors that say what the user can mend."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show what the user can mend as one line, not as a traceback."""
    try:
        yield
    except BrokenPipeError:  # whoever reads has read enough; the command ends quietly
        raise
    except (*MENDABLE, ExceptionGroup) as error:
        stderr.print(f"error: {_words(error)}", style="red", soft_wrap=True)
        raise typer.Exit(2) from error


def visible(text: str) -> str:
    """The text with its control characters as Python writes them, so that it commands nothing."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def _words(error: Exception) -> str:
    """The message of an error, or of the first one in a group."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error) if isinstance(error, MENDABLE) else f"{type(error).__name__}: {error}"
