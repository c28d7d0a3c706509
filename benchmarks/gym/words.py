"""Names for actions and words for pictures: what stands between Gymnasium and text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

_COLOURED = re.compile(r"\x1b\[([\d;]+)m(.*?)\x1b\[0m")
_ESCAPE = re.compile(r"\x1b\[[\d;]*m")
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def action_names(space: Any, actions: Sequence[str] | None) -> tuple[str, ...]:
    """The names of a `Discrete` space's numbers; none for a space of texts.

    Raises:
        ValueError: the space is another one, or the names do not fit it.
    """
    spaces = load_gymnasium().spaces
    if isinstance(space, spaces.Text):
        if actions is not None:
            raise ValueError(f"actions={actions!r}: actions are texts here and need no names")
        return ()
    if not isinstance(space, spaces.Discrete):
        raise ValueError(f"actions are {space}: only Text and Discrete can be written as text")
    numbers = range(int(space.start), int(space.start + space.n))
    names = tuple(map(str, numbers if actions is None else actions))
    different = {name.strip().lower() for name in names}
    if len(names) != space.n or len(different) != len(names) or "" in different:
        raise ValueError(f"actions={actions!r}: give {space.n} different names, in order")
    return tuple(name.strip() for name in names)


def without_escapes(text: str) -> str:
    """A picture of a terminal with its colours in words: `{red S}`."""

    def worded(found: re.Match[str]) -> str:
        codes = [int(code) % 10 for code in found[1].split(";") if len(code) == 2]
        return f"{{{_COLOURS[codes[0]]} {found[2]}}}" if codes and codes[0] < 8 else found[2]

    return _ESCAPE.sub("", _COLOURED.sub(worded, text)).strip("\n")


def called(function: Any) -> str:
    """A function's name, for records."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def load_gymnasium() -> Any:
    """The library.

    Raises:
        ImportError: it is missing; the message says how to install it.
    """
    try:
        return import_module("gymnasium")
    except ImportError as error:
        raise ImportError(f'gymnasium is missing ({error}): pip install "symposia[gym]"') from error
