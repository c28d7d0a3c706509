"""Tables for the terminal: words may wrap, figures stay whole."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

NAME_WIDTH = 9
"""Characters that a name is always given."""


def new_table(title: str, words: Sequence[str], figures: Sequence[str]) -> Table:
    """An empty table.

    Args:
        title: printed as it is, also where it looks like markup.
        words: the heads of the first columns, which hold names.
        figures: the heads of the others.
    """
    table = Table(
        title=Text(title, "table.title"),
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in words:
        table.add_column(name, overflow="fold", min_width=NAME_WIDTH)
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    return table
