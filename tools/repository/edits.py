"""Edits of one text file: from a text to a text, nothing else."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from .definitions import replaced
from .errors import EditError
from .text import Text, split


def replace_symbol(text: Text, name: str, source: str, line: int | None) -> Text:
    """A function or class replaced. See `definitions.replaced`."""
    return text.with_text(replaced(text.text, name, text.fitted(source), line))


def replace_text(text: Text, old: str, new: str) -> Text:
    """A piece of text replaced that occurs once."""
    sought = text.fitted(old)
    first = text.text.find(sought) if sought else -1
    if first < 0:
        raise EditError(f"{text.path} does not hold that text{_near(text, old)}")
    second = text.text.find(sought, first + 1)
    if second >= 0:
        lines = " and ".join(str(text.text.count("\n", 0, at) + 1) for at in (first, second))
        raise EditError(
            f"{text.path} holds that text more than once, at lines {lines}: "
            "give more of what is around it"
        )
    return text.with_text(text.text.replace(sought, text.fitted(new)))


def replace_lines(text: Text, start: int, end: int, new: str) -> Text:
    """Lines `start` to `end`, both included, replaced; deleted if `new` is empty."""
    total = len(text.lines)
    if not 1 <= start <= end <= total:
        raise EditError(f"{text.path} has lines 1 to {total}, not {start} to {end}")
    return _spliced(text, start - 1, end, new)


def insert_lines(text: Text, after: int, new: str) -> Text:
    """Lines inserted after a line, or at the top for 0."""
    total = len(text.lines)
    if not 0 <= after <= total:
        raise EditError(f"{text.path} has {total} lines: `after` is from 0 to {total}, not {after}")
    if not new:
        raise EditError("nothing to insert: `new` is empty")
    return _spliced(text, after, after, new)


def changed_lines(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """The lines of `new` that differ from `old`: index of the first, and the one after the last."""
    least = min(len(old), len(new))
    first = next((n for n in range(least) if old[n] != new[n]), least)
    same = next((n for n in range(least - first) if old[-1 - n] != new[-1 - n]), least - first)
    return first, len(new) - same


def _spliced(text: Text, first: int, last: int, new: str) -> Text:
    """Lines from index `first` up to `last` exchanged for those of `new`."""
    lines = text.lines
    fresh = split(text.fitted(new))
    if fresh and last < len(lines) and not fresh[-1].endswith("\n"):
        fresh[-1] += text.ending
    if fresh and 0 < first == len(lines) and not lines[-1].endswith("\n"):
        lines[-1] += text.ending
    return text.with_text("".join([*lines[:first], *fresh, *lines[last:]]))


def _near(text: Text, old: str) -> str:
    """The line most like the first one sought."""
    wanted = next((line for line in old.splitlines() if line.strip()), "")[:300]
    lines = [line.strip()[:300] for line in text.lines[:3000]]
    close = difflib.get_close_matches(wanted.strip(), lines, n=1)
    return f"; line {lines.index(close[0]) + 1} is like its first: {close[0]}" if close else ""
