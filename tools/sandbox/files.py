"""Files into a run and out of it, on the host's side: names that stay in the work folder, and caps.

The host opens no file for a run. What goes in travels in the job, what comes out in the reply, and
only code inside the isolation touches the work folder.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

FILES = 1_000
"""Files that go in with one job, at most; as many come out."""
BYTES = 16 * 2**20
"""Bytes of all files that go in with one job, at most; as many come out."""
NAME = 1_000
"""Characters of a file's name, folders included, at most."""


def check_name(name: str) -> str:
    """`name` itself, where it is the path of a file in the work folder.

    Raises:
        ValueError: it is absolute, leads out by `..`, is empty or is no clean path.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"file {name!r} lies outside of the work folder: give a path inside it")
    if not path.parts or str(path) != name or "\0" in name or len(name) > NAME:
        raise ValueError(f"file {name[:NAME]!r} is no plain relative path such as 'data/in.csv'")
    return name


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
