"""Which paths a workspace has: relative, plain, and never git's own."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection

from .errors import PathError

MAX_PATH = 1024
"""Longest path, in bytes of UTF-8."""
MAX_NAME = 255
"""Longest name of a file or folder in a path, in bytes of UTF-8."""


def checked(path: str) -> str:
    """`path` as the workspace knows it.

    A leading `./` falls away. The answer is a key into the workspace's tree; it is never opened on
    the host.

    Raises:
        PathError: the path is empty, absolute, leads upwards, into `.git`, or holds characters that
            no portable path has.
    """
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    shown = ascii(path[:200])
    if not path:
        raise PathError("the path is empty: give one relative to the top, such as 'src/main.py'")
    if path.startswith(("/", "\\", "~")) or path[1:2] == ":":
        raise PathError(f"{shown} is not relative: give the path from the top of the workspace")
    if "\\" in path:
        raise PathError(f"{shown} holds a backslash: folders are divided by '/'")
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in path):
        raise PathError(f"{shown} holds control characters")
    if len(path.encode()) > MAX_PATH:
        raise PathError(f"{shown}… is longer than {MAX_PATH} bytes")
    for name in path.split("/"):
        if not name:
            raise PathError(f"{shown} has an empty part: a path has single '/' and none at its end")
        if name in {".", ".."}:
            raise PathError(f"{shown} has a part {name!r}: nothing outside the workspace is open")
        if _is_git(name):
            raise PathError(f"{shown} leads into git's own files, which are closed")
        if len(name.encode()) > MAX_NAME:
            raise PathError(f"{shown}… has a name longer than {MAX_NAME} bytes")
    return path


def missing(path: str, known: Collection[str]) -> str:
    """That there is no such file, and what may have been meant."""
    inside = [other for other in known if other.startswith(f"{path}/")]
    if inside:
        return f"{path} is a folder; it holds {', '.join(inside[:10])}"
    name = path.rpartition("/")[2]
    close = [other for other in known if other.rpartition("/")[2] == name]
    close = close or difflib.get_close_matches(path, list(known)[:5000], n=3)
    hint = f"; did you mean {', '.join(close[:5])}?" if close else ""
    return f"no file {path!r} in the workspace{hint}"


def _is_git(name: str) -> bool:
    """Whether some filesystem takes `name` for `.git`."""
    plain = "".join(c for c in name if unicodedata.category(c) != "Cf").split(":")[0]
    return plain.rstrip(" .").casefold() in {".git", "git~1"}


def link_stays_inside(path: str, target: str) -> bool:
    """Whether a symbolic link at `path` can only lead to places inside the workspace.

    Only leading `..` are allowed: one after the name of a folder could climb out through another
    link.
    """
    if target.startswith("/") or not target:
        return False
    parts = [part for part in target.split("/") if part not in {"", "."}]
    ups = 0
    while ups < len(parts) and parts[ups] == "..":
        ups += 1
    return ups <= path.count("/") and ".." not in parts[ups:] and not any(map(_is_git, parts))
