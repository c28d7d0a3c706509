"""What is told of an exception: its class, message and line, and the user's part of the traceback.

The exception is the user's object: its class, its message and its `repr` are code that may fail,
lie or run for ever. Failing is caught here; the rest is up to the limits of the sandbox.
"""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType
    from typing import Any

vars()["__builtins__"] = dict(vars(builtins))  # for the functions below, whatever is done to them

MESSAGE = 10_000
"""Characters of an exception's message, at most."""
NAME = 200
"""Characters of a class's name, at most."""
TRACEBACK = 20_000
"""Characters of a traceback, at most; what is too long loses its middle."""

_name = type.__dict__["__name__"].__get__
_bases = type.__dict__["__mro__"].__get__  # as the class has them, whatever its metaclass says


def describe(error: BaseException, files: Collection[str]) -> dict[str, Any]:
    """The part of a reply that tells of an exception.

    Args:
        error: what was raised.
        files: the names under which the user's code was compiled.
    """
    import traceback

    kind = type(error)
    start = _first(error.__traceback__, files)
    try:
        told = traceback.TracebackException(kind, error, start, compact=True)
        text = "".join(told.format_exception_only() if start is None else told.format())
    except BaseException:
        text = f"{_name(kind)}: (its traceback cannot be printed)\n"
    try:
        message = str(error)
    except BaseException:
        message = "(its message cannot be printed)"
    return {
        "error_type": shorten(_name(kind), NAME),
        "bases": [shorten(_name(base), NAME) for base in _bases(kind)],
        "error": shorten(message, MESSAGE),
        "traceback": shorten(text, TRACEBACK),
        "line": _line(error, files),
    }


def shorten(text: str, most: int) -> str:
    """`text` without its middle where it is longer than `most`; lone surrogates are escaped."""
    escaped = _cut(text, most).encode("utf-8", "backslashreplace").decode()
    return _cut(escaped, most)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def _first(frames: TracebackType | None, files: Collection[str]) -> TracebackType | None:
    """The traceback from the user's first frame on; None where it has none."""
    while frames is not None and frames.tb_frame.f_code.co_filename not in files:
        frames = frames.tb_next
    return frames


def _line(error: BaseException, files: Collection[str]) -> int | None:
    """The last line of the user's own that the exception passed."""
    if isinstance(error, SyntaxError) and error.filename in files:
        return error.lineno
    line = None
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename in files:
            line = frames.tb_lineno
        frames = frames.tb_next
    return line
