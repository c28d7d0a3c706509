"""Patches: differences of two trees as a unified diff, and a diff applied to a tree.

Git does both. A patch applies whole or not at all, with its context exactly as in the file (the
line numbers may be off); when it does not, the message says which hunk, what it looks for and what
the file has there.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from .errors import GitError, NotTextError, PatchError
from .results import numbered
from .searching import shortened
from .store import FILE, PROGRAM, Store
from .text import Text

MAX_PATCH = 16 * 2**20
"""Largest patch, in bytes."""
AROUND = 3
"""Lines shown before and after the place where a hunk should fit."""
SECONDS = 30.0
"""Time limit of one patch."""


def difference(store: Store, old: str, new: str) -> str:
    """A unified diff that turns the tree `old` into `new`; empty if they are equal.

    It has git's headers, and no renames, so that other tools can apply it. Binary files, and those
    in encodings other than UTF-8, are written in git's binary form.
    """
    command = ("diff-tree", "-r", "-p", "--binary", "--full-index", "--no-renames")
    plain = (*command, "--no-ext-diff", "--no-textconv", "--no-color", old, new)
    try:
        return store.git(*plain).decode()
    except UnicodeDecodeError:
        pass
    with tempfile.TemporaryDirectory(dir=store.folder) as folder:
        attributes = Path(folder) / "attributes"
        attributes.write_bytes(b"".join(_as_binary(path) for path in _no_utf8(store, old, new)))
        setting = f"core.attributesFile={attributes}"
        return store.git("-c", setting, *plain).decode()


def applied(store: Store, tree: str, patch: str) -> str:
    """`tree` with a unified diff applied.

    Raises:
        PatchError: it does not apply, or would make a link or a submodule.
    """
    try:
        data = patch.encode()
    except UnicodeEncodeError as error:
        bad = ascii(patch[error.start])
        raise PatchError(f"the patch holds {bad}, which is no character") from None
    if len(data) > MAX_PATCH:
        raise PatchError(f"the patch has {len(data):,} bytes: the most is {MAX_PATCH:,}")
    if not patch.endswith("\n"):
        data += b"\n"
    with store.index(tree) as index:
        try:
            store.git(
                "apply",
                "--cached",
                "-v",
                "--whitespace=nowarn",
                "-",
                stdin=data,
                index=index,
                seconds=SECONDS,
            )
        except GitError as error:
            raise _explained(store, tree, patch, error.stderr or str(error)) from None
        outcome = store.written(index)
    for path, mode in changed(store, tree, outcome):
        if mode not in (FILE, PROGRAM, "000000"):
            raise PatchError(
                f"the patch makes {path} a link or a submodule: only files are allowed"
            )
        if path not in store.listing(tree if mode == "000000" else outcome):
            raise PatchError(f"the patch touches a file with a forbidden name: {path!a}")
    return outcome


def changed(store: Store, old: str, new: str) -> list[tuple[str, str]]:
    """Paths that differ between two trees, each with its mode in `new`, `000000` if it is gone."""
    raw = store.git("diff-tree", "-r", "-z", "--no-renames", old, new).split(b"\0")
    return [
        (name.decode(errors="surrogateescape"), head.split(b" ")[1].decode())
        for head, name in zip(raw[::2], raw[1::2])
    ]


def counted(store: Store, old: str, new: str) -> tuple[list[str], int, int]:
    """Paths that differ between two trees, and the lines added and removed.

    Binary files count no lines.
    """
    rows = store.git("diff-tree", "-r", "-z", "--no-renames", "--numstat", old, new).split(b"\0")
    paths, added, removed = [], 0, 0
    for row in filter(None, rows):
        more, less, name = row.split(b"\t", 2)
        paths.append(name.decode(errors="surrogateescape"))
        if more != b"-":
            added, removed = added + int(more), removed + int(less)
    return paths, added, removed


def _no_utf8(store: Store, old: str, new: str) -> list[str]:
    paths = []
    for path, _ in changed(store, old, new):
        sides = [side[path].id for side in map(store.listing, (old, new)) if path in side]
        try:
            for data in store.read(sides):
                data.decode()
        except UnicodeDecodeError:
            paths.append(path)
    return paths


def _as_binary(path: str) -> bytes:
    """A line of git attributes that takes a file for binary, whatever its name holds."""
    name = re.sub(r"([\\*?\[])", r"\\\1", path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"/{name}" -diff\n'.encode()


def _explained(store: Store, tree: str, patch: str, said: str) -> PatchError:
    """Why git refused a patch, in words that help to write a better one."""
    if found := re.search(r"error: patch failed: (.*):(\d+)$", said, re.MULTILINE):
        return _misfit(store, tree, patch, said, found.group(1), int(found.group(2)))
    if found := re.search(r"error: (.*): does not exist in index", said):
        return PatchError(f"the workspace has no file {found.group(1)}", found.group(1))
    if found := re.search(r"error: (.*): already exists in index", said):
        return PatchError(
            f"{found.group(1)} exists already: change it, or delete it first", found.group(1)
        )
    if found := re.search(r"(?:corrupt|fragment).* line (\d+)", said):
        number = int(found.group(1))
        rows = patch.splitlines()
        near = numbered(rows[max(0, number - 4) : number], max(1, number - 3))
        return PatchError(
            f"line {number} of the patch cannot be read: every line of a hunk begins with ' ', '+' "
            f"or '-', and the counts in its '@@ -a,b +c,d @@' must be right:\n{near}"
        )
    if "No valid patches" in said:
        return PatchError("no unified diff found: begin with '--- a/PATH' and '+++ b/PATH'")
    return PatchError(f"the patch does not apply: {said.replace('error: ', '')[:1000]}")


def _misfit(store: Store, tree: str, patch: str, said: str, path: str, line: int) -> PatchError:
    number, count = _hunk(patch, path, line)
    which = f"hunk {number} of {count}" if number else "a hunk"
    sought = re.search(r"error: while searching for:\n(.*?)\nerror: patch failed", said, re.DOTALL)
    message = f"{which} for {path} (at line {line}) does not fit; nothing was applied."
    if sought:
        message += f"\nIt looks for:\n{sought.group(1).rstrip()[:2000]}"
    entry = store.listing(tree).get(path)
    if entry is not None and entry.is_file:
        try:
            text = Text.decode(path, store.read([entry.id])[0])
            lines = text.lines
            if sought and sought.group(1) and f"\n{sought.group(1)}" in f"\n{text.text}":
                message += (
                    "\nThe file holds that, but not at its top or end: a hunk there needs "
                    "unchanged lines before and after the change."
                )
            span = sought.group(1).count("\n") if sought else 1
            first = max(0, line - 1 - AROUND)
            there = [shortened(row) for row in lines[first : line - 1 + span + AROUND]]
            shown = numbered(there, first + 1) if there else f"nothing: it has {len(lines)} lines"
            message += f"\nThe file has there:\n{shown}"
        except NotTextError as error:
            message += f"\n{error}"
    return PatchError(message, path, number or None)


def _hunk(patch: str, path: str, line: int) -> tuple[int, int]:
    """Which hunk of a file begins at a line, and how many it has; 0 if that is not clear."""
    starts: list[int] = []
    current = ""
    for row in patch.splitlines():
        if row.startswith("--- "):
            current = row[4:].split("\t")[0].strip().strip('"').partition("/")[2]
        elif current == path and (found := re.match(r"@@ -(\d+)", row)):
            starts.append(int(found.group(1)))
    return (starts.index(line) + 1 if line in starts else 0), len(starts)
