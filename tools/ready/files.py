"""A reader of text files under one folder, some lines at a time.

Paths are opened step by step from the folder without following links, so that neither `..` nor a
symbolic link leads out of it, even if files change meanwhile. Files of any size are read in pieces,
and only the lines asked for are kept.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from langchain_core.tools import BaseTool, StructuredTool, ToolException

LINES = 200
"""Lines of a window, unless another number is asked for."""
MOST_LINES = 2_000
LINE = 2_000
"""Bytes of a line that are shown; the rest is counted."""
PIECE = 1 << 16
SNIFFED = 8_192
"""Bytes in which a NUL tells a binary file."""
ENTRIES = 200
"""Names of a folder that are listed."""


def read_file(root: str | Path) -> BaseTool:
    """The tool `read_file`, for text files under `root`.

    Raises:
        ValueError: `root` is not a folder.
    """
    folder = Path(root).resolve()
    if not folder.is_dir():
        raise ValueError(f"{root} is not a folder")

    def read(path: str, start: int = 1, lines: int = LINES) -> str:
        """Read a text file, or list a folder.

        Args:
            path: relative to the top folder; '.' is the top folder itself
            start: the first line to show, counted from 1
            lines: how many lines to show
        """
        if start < 1 or not 1 <= lines <= MOST_LINES:
            raise ToolException(f"start is 1 or more, and lines from 1 to {MOST_LINES:,}")
        with ExitStack() as opened:
            handle = _opened(folder, path, opened)
            if stat.S_ISDIR(os.fstat(handle).st_mode):
                return _listing(handle)
            file = opened.enter_context(os.fdopen(os.dup(handle), "rb"))
            return _window(file, path, start, lines)

    return StructuredTool.from_function(read, name="read_file", parse_docstring=True)


def _opened(folder: Path, path: str, opened: ExitStack) -> int:
    """A descriptor of the file or folder; every step is opened in the one before it."""
    parts = PurePosixPath(path).parts
    if "\0" in path or PurePosixPath(path).is_absolute() or ".." in parts:
        raise ToolException(f"{path!r:.200} leads out of the folder; give a path without '..'")
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    opened.callback(os.close, handle)
    for number, part in enumerate(parts):
        # Non-blocking, because a named pipe would wait for a writer.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            if number < len(parts) - 1:
                flags |= os.O_DIRECTORY
            handle = os.open(part, flags, dir_fd=handle)
        except OSError as error:
            raise ToolException(_refusal(handle, part, path, error)) from None
        except UnicodeEncodeError:
            raise ToolException(f"{path!r:.200} cannot be the name of a file") from None
        opened.callback(os.close, handle)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ToolException(f"{path} is neither a file nor a folder")
    return handle


def _refusal(handle: int, part: str, path: str, error: OSError) -> str:
    try:
        mode = os.stat(part, dir_fd=handle, follow_symlinks=False).st_mode
    except OSError:
        return f"{path:.200}: {error.strerror}; see what is there with the path of the folder"
    linked = stat.S_ISLNK(mode)
    return f"{path:.200}: {'links are not followed' if linked else error.strerror}"


def _listing(handle: int) -> str:
    with os.scandir(handle) as found:
        names = sorted(
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in found
        )
    more = [f"... and {len(names) - ENTRIES:,} more"] if len(names) > ENTRIES else []
    return "\n".join(names[:ENTRIES] + more) or "(an empty folder)"


def _window(file: BinaryIO, path: str, start: int, lines: int) -> str:
    if b"\0" in file.read(SNIFFED):
        raise ToolException(f"{path} is not a text file")
    file.seek(0)
    shown: list[str] = []
    last, damaged = 0, False
    for number, line, size in _lines(file):
        last = number
        if number < start:
            continue
        if len(shown) == lines:
            break
        text = line.decode(errors="replace")
        damaged = damaged or "\ufffd" in text
        cut = f" [... {size - len(line):,} bytes more in this line]" if size > len(line) else ""
        shown.append(f"{number}\t{text}{cut}")
    if not shown:
        raise ToolException(f"{path} has {last:,} lines; line {start:,} is past its end")
    end = start + len(shown) - 1
    notes = [
        f"[lines {start:,} to {end:,} of {path}; {'more follow' if last > end else 'the end'}]"
    ]
    if damaged:
        notes.append("[some bytes are not UTF-8 and are shown as \ufffd]")
    return "\n".join([*shown, *notes])


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Number, beginning and size of each line; a line of any length takes little memory."""
    number, begun, size = 1, b"", 0
    while piece := file.read(PIECE):
        *ended, rest = piece.split(b"\n")
        for part in ended:
            whole = size + len(part)
            line = (begun + part[: max(LINE - len(begun), 0)]).removesuffix(b"\r")
            yield number, line, whole if whole > LINE else len(line)
            number, begun, size = number + 1, b"", 0
        begun += rest[: max(LINE - len(begun), 0)]
        size += len(rest)
    if size:
        yield number, begun, size
