"""A private store of trees: every state that a workspace ever had, by its content.

A state of all files is one git tree, named by the hash of its content. Functions here take a tree
and give a tree; nothing is checked out, so there are no links to follow, nothing on the host can be
reached by a file's name, and keeping, comparing and returning to a state costs nothing. Two equal
states have equal names.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from uuid import uuid4

from .errors import GitError, NotFoundError, PathError
from .git import Git
from .paths import checked

MAX_LISTINGS = 16
"""File lists that are kept in memory, one a tree."""

BATCH = 32 * 2**20
"""Bytes of files that are read together."""

FILE, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"
"""Git's modes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a tree."""

    mode: str
    id: str
    """Hash of the content."""
    size: int
    """Length in bytes."""

    @property
    def is_file(self) -> bool:
        return self.mode in (FILE, PROGRAM)


Listing = Mapping[str, Entry]
"""The files of a tree by path. Names that are no plain text are left out."""


class Store:
    """A bare git repository that holds trees and no history.

    Args:
        folder: where it is kept; by default a temporary folder that goes when nobody holds it.
        object_format: git's hash, `sha1` or `sha256`.
    """

    def __init__(self, folder: Path | None = None, object_format: str = "sha1") -> None:
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="symposia-workspace-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.folder = folder.absolute()
        if (self.folder / "objects").is_dir():
            self.git = Git(self.folder)
        else:
            self.git = Git.create(self.folder, object_format)
        self._listings: dict[str, Listing] = {}
        self._lock = Lock()

    def listing(self, tree: str) -> Listing:
        """The files of `tree`, sorted by path."""
        known = self._listings.get(tree)
        if known is None:
            known = listing(self.git, tree)
            self._keep(tree, known)
        return known

    def read(self, ids: Iterable[str]) -> list[bytes]:
        """The contents with these hashes, in order."""
        asked = list(ids)
        if not asked:
            return []
        answer = self.git("cat-file", "--batch", stdin=("\n".join(asked) + "\n").encode())
        contents, at = [], 0
        for _ in asked:
            end = answer.index(b"\n", at)
            length = int(answer[at:end].split(b" ")[2])
            contents.append(answer[end + 1 : end + 1 + length])
            at = end + length + 2
        return contents

    def contents(self, tree: str, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Paths of `tree` with their contents, read a batch at a time."""
        known = self.listing(tree)
        batch: list[str] = []
        size = 0
        for path in paths:
            batch.append(path)
            size += known[path].size
            if size > BATCH:
                yield from zip(batch, self.read(known[path].id for path in batch))
                batch, size = [], 0
        yield from zip(batch, self.read(known[path].id for path in batch))

    def edit(self, tree: str, path: str, data: bytes | None, mode: str = FILE) -> str:
        """`tree` with one file written, or deleted if `data` is None.

        The cost does not grow with the number of files: one process writes the file and the folders
        above it. The commit and its reference exist within that process only.
        """
        name = quoted(path)
        reference = f"refs/heads/{uuid4().hex}"
        change = f"D {name}\n".encode()
        if data is not None:
            change = f"M {mode} inline {name}\ndata {len(data)}\n".encode() + data + b"\n"
        stream = (
            f"commit {reference}\ncommitter edit <> 0 +0000\ndata 0\nM 040000 {tree} \n".encode()
            + change
            + f'ls ""\nreset {reference}\nfrom {"0" * len(tree)}\n'.encode()
        )
        said = self.git("fast-import", "--quiet", stdin=stream).decode()
        new = said.split("\t")[0].split()[-1] if said.startswith("040000 tree") else self.empty()
        self._remember_edit(tree, new, path, data, mode)
        return new

    def empty(self) -> str:
        """The tree without files."""
        return self.git("mktree").decode().strip()

    def _remember_edit(self, tree: str, new: str, path: str, data: bytes | None, mode: str) -> None:
        """Keep the listing of an edited tree, so that it need not be read."""
        before = self.listing(tree)
        if data is None:
            after = {other: entry for other, entry in before.items() if other != path}
        else:
            algorithm = "sha1" if len(tree) == 40 else "sha256"
            blob = hashlib.new(algorithm, b"blob %d\0" % len(data) + data).hexdigest()
            after = {**before, path: Entry(mode, blob, len(data))}
            if path not in before:
                after = dict(sorted(after.items()))
        self._keep(new, after)

    def _keep(self, tree: str, files: Listing) -> None:
        with self._lock:
            while len(self._listings) >= MAX_LISTINGS:
                del self._listings[next(iter(self._listings))]
            self._listings[tree] = files

    @contextmanager
    def index(self, tree: str) -> Iterator[Path]:
        """An index file that holds `tree`, for the time of the context."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="index-") as folder:
            index = Path(folder) / "index"
            self.git("read-tree", tree, index=index)
            yield index

    def written(self, index: Path) -> str:
        """The tree that an index file holds."""
        return self.git("write-tree", index=index).decode().strip()

    def matching(self, tree: str, globs: Iterable[str]) -> list[str]:
        """Paths in `tree` that match any of the globs.

        `*` stays within a folder, `**` spans folders; a glob without `/` is looked for everywhere,
        and one that ends with `/` is all of a folder.
        """
        specs = pathspecs(globs)
        with self.index(tree) as index:
            found = self.git("ls-files", "-z", "--", *specs, index=index, seconds=10)
        known = self.listing(tree)
        names = (name.decode(errors="replace") for name in found.split(b"\0"))
        return [name for name in names if name in known]

    def holds(self, tree: str) -> bool:
        """Whether `tree` is the name of a tree in this store."""
        if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", tree):
            return False
        try:
            return self.git("cat-file", "-t", tree).strip() == b"tree"
        except GitError:
            return False

    def require(self, tree: str) -> str:
        """`tree`, if the store has it.

        Raises:
            NotFoundError: it has not.
        """
        if not self.holds(tree):
            raise NotFoundError(f"no snapshot {ascii(tree)[:80]} in this workspace's store")
        return tree


def listing(git: Git, tree: str) -> Listing:
    """The files of `tree` in the repository of `git`, sorted by path."""
    files: dict[str, Entry] = {}
    for name, entry in entries(git, tree):
        try:
            files[checked(name.decode())] = entry
        except (UnicodeDecodeError, PathError):
            continue
    return dict(sorted(files.items()))


def entries(git: Git, tree: str) -> Iterator[tuple[bytes, Entry]]:
    """All that `tree` holds, whatever its names."""
    for row in git("ls-tree", "-r", "-l", "-z", "--full-tree", tree).split(b"\0"):
        if row:
            head, _, name = row.partition(b"\t")
            mode, _, blob, size = head.decode().split()
            if size == "BAD":
                raise GitError(f"object {blob} is missing")
            yield name, Entry(mode, blob, 0 if size == "-" else int(size))


def pathspecs(globs: Iterable[str]) -> list[str]:
    """Globs as git reads them.

    Raises:
        PathError: a glob leads out of the workspace.
    """
    specs = []
    for glob in globs:
        name = checked(f"{glob}**" if glob.endswith("/") else glob)
        specs.append(f":(glob){'' if '/' in name else '**/'}{name}")
    return specs


def quoted(path: str) -> str:
    """A path as `git fast-import` reads it."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
