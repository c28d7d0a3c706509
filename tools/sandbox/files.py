"""Files into a run and out of it, on the host's side: names that stay in the work folder, and caps.

The host opens no file for a run. What goes in travels in the job, what comes out in the reply, and
only code inside the isolation touches the work folder. That code may be the run's own, which sends
what it likes: of the files that come, only those are believed that were asked for.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import PurePosixPath

FILES = 1_000
"""Files that go in with one job, at most; as many come out."""
BYTES = 16 * 2**20
"""Bytes of all files that go in with one job, at most; as many come out."""
NAME = 1_000
"""Characters of a file's name, folders included, at most."""
PART = 255
"""Bytes of one part of a name in UTF-8, at most, as file systems have it."""
DEPTH = 32
"""Parts of a name, at most."""


def check_name(name: str) -> str:
    """`name` itself, where it is the path of a file in the work folder.

    Raises:
        ValueError: it is absolute, leads out by `..`, is empty, too long or no clean path, or
            cannot be written in UTF-8.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"file {name!r} lies outside of the work folder: give a path inside it")
    if not path.parts or str(path) != name or "\0" in name:
        raise ValueError(f"file {name[:NAME]!r} is no plain relative path such as 'data/in.csv'")
    sizes = [len(part.encode("utf-8", "surrogatepass")) for part in path.parts]
    if len(name) > NAME or len(sizes) > DEPTH or max(sizes) > PART:
        raise ValueError(
            f"file {name[:NAME]!r}: a name has at most {NAME} characters in {DEPTH} parts, "
            f"each of at most {PART} bytes"
        )
    if not _is_text(name):
        raise ValueError(f"file {name!r} has a name that cannot be written in UTF-8")
    return name


def matches(name: str, pattern: str) -> bool:
    """Whether a glob is for this path, as `glob` has it: `**` stands for any folders."""
    parts = pattern.split("/")
    if parts[-1] == "**":
        parts.append("*")  # a file in any of them
    reached = _on({0}, parts)
    for part in name.split("/"):
        reached = _on(
            {
                place if parts[place] == "**" else place + 1
                for place in reached
                if place < len(parts) and (parts[place] == "**" or fnmatchcase(part, parts[place]))
            },
            parts,
        )
    return len(parts) in reached


def incoming(files: Mapping[str, str], patterns: Sequence[str]) -> dict[str, bytes]:
    """The content of the files that came out of a run.

    Args:
        files: from path to base64, as the reply has them.
        patterns: the globs of what was asked for.

    Raises:
        ValueError: one was not asked for, has a bad name, lies in another as in a folder, or there
            is too much.
    """
    for name in map(check_name, files):
        if not any(matches(name, pattern) for pattern in patterns):
            raise ValueError(f"file {name!r} was not asked for")
    ordered = sorted(name.replace("/", "\0") for name in files)  # what lies in it comes next
    if any(after.startswith(f"{name}\0") for name, after in pairwise(ordered)):
        raise ValueError("a file lies in another as in a folder")
    contents = {name: base64.b64decode(content, validate=True) for name, content in files.items()}
    if sum(map(len, contents.values())) > BYTES:
        raise ValueError(f"the files have more than {BYTES} bytes")
    return contents


def outgoing(files: Mapping[str, bytes | str], patterns: Sequence[str] = ()) -> dict[str, object]:
    """The part of a job that brings files in and asks for files out.

    Args:
        files: their content by their path in the work folder; text goes in as UTF-8.
        patterns: globs of the files to bring back, relative to the work folder.

    Raises:
        ValueError: a name or a pattern leads out of the work folder, or there is too much.
    """
    contents = {
        check_name(name): content.encode() if isinstance(content, str) else bytes(content)
        for name, content in files.items()
    }
    size = sum(map(len, contents.values()))
    if len(contents) > FILES or size > BYTES:
        raise ValueError(
            f"{len(contents)} files of {size} bytes: at most {FILES} files of {BYTES} bytes "
            "all together go into a run"
        )
    if isinstance(patterns, str):
        raise ValueError(f"collect={patterns!r}: give a list of patterns, such as [{patterns!r}]")
    return {
        "files": {name: base64.b64encode(content).decode() for name, content in contents.items()},
        "collect": [check_name(pattern) for pattern in patterns],
    }


def _on(places: set[int], parts: Sequence[str]) -> set[int]:
    """The places in a pattern that can be reached from these without taking a part of a name."""
    reached = set(places)
    for place in sorted(places):
        while place < len(parts) and parts[place] == "**":
            place += 1
            reached.add(place)
    return reached


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
