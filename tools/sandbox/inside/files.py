"""Files into the work folder and out of it, on the worker's side.

Both happen inside the isolation: whatever a name or a link points to, it leads to nothing but what
the code could have read or written itself. That a link that leads out of the work folder is not
followed keeps the answer honest, and keeps `unsafe-subprocess` from handing out more than it was
asked for.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILES = 1_000
"""Files that are collected, at most."""
BYTES = 16 * 2**20
"""Bytes of all files that are collected, at most."""
NAME = 1_000
"""Characters of the name of a file that is collected, folders included, at most."""
DEPTH = 32
"""Parts of such a name, at most."""


def put(files: Mapping[str, str]) -> None:
    """Write `files`, from relative name to base64, into the current folder."""
    if not files:
        return
    from binascii import a2b_base64
    from importlib import invalidate_caches

    for name, content in files.items():
        if folder := os.path.dirname(name):
            os.makedirs(folder, exist_ok=True)
        with open(name, "wb") as file:
            file.write(a2b_base64(content))
    invalidate_caches()


def collect(patterns: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The regular files of the current folder that match a glob, `**` for any folders.

    Returns:
        From relative name to base64, and the names of files that would have passed a limit, or
        whose names are no text or too long.
    """
    import glob
    from binascii import b2a_base64

    names: set[str] = set()
    for pattern in patterns:
        names.update(glob.iglob(pattern, recursive=True, include_hidden=True))
    taken: dict[str, str] = {}
    left_out: list[str] = []
    size = BYTES
    for name in sorted(names):
        if not _is_own_file(name):
            continue
        said = name.encode("utf-8", "backslashreplace").decode()
        wanted = said == name and len(name) <= NAME and name.count("/") < DEPTH
        content = _read(name, size) if wanted and len(taken) < FILES else None
        if content is None:
            left_out.append(said[:NAME])
        else:
            size -= len(content)
            taken[name] = b2a_base64(content, newline=False).decode()
    return taken, left_out[:FILES]


def _is_own_file(name: str) -> bool:
    """Whether `name` is a regular file and no link leads to it."""
    try:
        here = os.path.realpath(".")
        return _is_regular(os.lstat(name)) and os.path.realpath(name) == os.path.join(
            here, os.path.normpath(name)
        )
    except OSError:
        return False


def _is_regular(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode)


def _read(name: str, size: int) -> bytes | None:
    """The file's bytes; None where they are more than `size`, or it cannot be read."""
    try:
        with open(name, "rb", opener=_without_links) as file:
            content = file.read(size + 1) if _is_regular(os.fstat(file.fileno())) else None
    except OSError:
        return None
    return content if content is not None and len(content) <= size else None


def _without_links(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
