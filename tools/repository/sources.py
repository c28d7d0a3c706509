"""Where a workspace comes from: a git repository, a folder, a bundle or an archive.

A source may be hostile. Of a repository only its objects and the names of its revisions are read,
never its configuration; what is taken over is the one tree that was asked for, without the history
before or after it. From folders and archives plain files and symbolic links are read; links are
kept, never followed, and anything called `.git` is left out.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from .errors import GitError, SourceError
from .git import Git
from .plain import (
    MAX_BYTES,
    MAX_FILE,
    MAX_FILES,
    opened_plainly,
    too_large,
    untarred,
    unzipped,
    walked,
    written,
)
from .store import Store, entries

MAX_REFERENCE = 1024
"""Most bytes of a file that names a revision."""


def load(source: Path, at: str | None, folder: Path | None) -> tuple[Store, str]:
    """A new store, and the tree in it that `source` holds at a revision.

    Args:
        source: a git repository (with a work tree or bare), a plain folder, a git bundle, or a tar
            or zip archive.
        at: a revision of a repository or bundle; by default `HEAD`. Uncommitted changes stay out.
        folder: where the store is kept; it must be empty or missing. None for a temporary one.

    Raises:
        SourceError: the source cannot be checked out.
    """
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SourceError(f"{folder} is not empty: `into` names a new or empty folder")
    if not source.exists():
        raise SourceError(f"{source} does not exist: give a local repository, folder or archive")
    repository = _repository(source) if source.is_dir() else None
    if repository is not None:
        return _from_repository(*repository, source, at or "HEAD", folder)
    if source.is_file() and _starts_with(source, b"# v2 git bundle", b"# v3 git bundle"):
        return _from_bundle(source, at or "HEAD", folder)
    if at is not None:
        raise SourceError(f"{source} is no git repository, so it has no revision {at!r}: drop `at`")
    store = Store(folder)
    if source.is_dir():
        return store, written(store, walked(source))
    if zipfile.is_zipfile(source):
        return store, written(store, unzipped(source))
    if tarfile.is_tarfile(source):
        return store, written(store, untarred(source))
    raise SourceError(f"{source} is no folder, git bundle, tar or zip archive")


def _repository(folder: Path) -> tuple[Path, Path] | None:
    """Of a repository: the folder of its HEAD and the one of its objects."""
    own = folder / ".git"
    if own.is_file():
        said = _short(own)
        if not said.startswith("gitdir: "):
            return None
        own = folder / said.removeprefix("gitdir: ").strip()
    elif not own.is_dir():
        own = folder
    if not (own / "HEAD").is_file():
        return None
    common = own
    if (own / "commondir").is_file():
        common = own / _short(own / "commondir").strip()
    return (own, common) if (common / "objects").is_dir() else None


def _short(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(MAX_REFERENCE).decode(errors="surrogateescape")


def _from_repository(
    own: Path, common: Path, source: Path, at: str, folder: Path | None
) -> tuple[Store, str]:
    with tempfile.TemporaryDirectory(prefix="symposia-checkout-") as temporary:
        reader = Git.create(
            Path(temporary) / "reader", _object_format(common), (common / "objects").absolute()
        )
        for name in ("HEAD", *_references(common)):
            _copy_reference(own if name == "HEAD" else common, name, reader.folder)
        return _taken(reader, source, at, folder, _object_format(common))


def _from_bundle(source: Path, at: str, folder: Path | None) -> tuple[Store, str]:
    with source.open("rb") as file:
        object_format = "sha256" if b"@object-format=sha256" in file.read(4096) else "sha1"
    with tempfile.TemporaryDirectory(prefix="symposia-checkout-") as temporary:
        reader = Git.create(Path(temporary) / "reader", object_format)
        try:
            said = reader("bundle", "unbundle", str(source.absolute())).decode(errors="replace")
            for line in said.splitlines():
                target, name = line.split(" ", 1)
                if name == "HEAD":
                    (reader.folder / "HEAD").write_text(target + "\n")
                elif name.startswith("refs/"):
                    reader("update-ref", name, target)
        except GitError as error:
            raise SourceError(f"{source} is not a whole git bundle: {error}") from None
        return _taken(reader, source, at, folder, object_format)


def _taken(
    reader: Git, source: Path, at: str, folder: Path | None, object_format: str
) -> tuple[Store, str]:
    """A new store with the one tree at a revision, copied out of `reader`."""
    tree = _resolved(reader, source, at)
    try:
        _check_size(reader, source, tree)
        store = Store(folder, object_format)
        with tempfile.TemporaryFile() as pack:
            reader(
                "pack-objects", "--revs", "--stdout", "-q", stdin=f"{tree}\n".encode(), stdout=pack
            )
            pack.seek(0)
            store.git("index-pack", "--stdin", stdin=pack)
        with store.index(tree):
            pass
    except GitError as error:
        raise SourceError(
            f"{source} at {at!r} cannot be read whole (is it a partial clone, damaged, or does it "
            f"hold names that no checkout may have?): {error}"
        ) from None
    return store, tree


def _resolved(reader: Git, source: Path, at: str) -> str:
    for name in (at, f"origin/{at}"):
        try:
            found = reader("rev-parse", "--verify", "--end-of-options", f"{name}^{{tree}}")
            return found.decode().split()[-1]
        except (GitError, ValueError):
            continue
    try:
        rows = reader("for-each-ref", "--count=10", "--format=%(refname:short)", "--sort=-refname")
    except GitError:
        rows = b""
    names = rows.decode(errors="replace").split()
    if not names:
        raise SourceError(f"{source} has no commits: commit something, or give a plain folder")
    raise SourceError(f"{source} has no revision {at!r}; it has {', '.join(names)}")


def _check_size(reader: Git, source: Path, tree: str) -> None:
    sizes = [entry.size for _, entry in entries(reader, tree)]
    if len(sizes) > MAX_FILES or sum(sizes) > MAX_BYTES or max(sizes, default=0) > MAX_FILE:
        raise too_large(source)


def _object_format(common: Path) -> str:
    """The hash that a repository uses, from its configuration file, read by git as plain text."""
    if not (common / "config").is_file():
        return "sha1"
    with tempfile.TemporaryDirectory(prefix="symposia-config-") as temporary:
        shutil.copyfile(common / "config", Path(temporary) / "config")
        git = Git(Path(temporary))
        answers = {}
        for name in ("extensions.objectformat", "extensions.refstorage"):
            try:
                said = git("config", "--no-includes", "--file", "config", "--get", name)
                answers[name] = said.decode(errors="replace").strip()
            except GitError:
                continue
    if answers.get("extensions.refstorage", "files") != "files":
        raise SourceError(f"{common} keeps its references in a reftable: make a clone or a bundle")
    return "sha256" if answers.get("extensions.objectformat") == "sha256" else "sha1"


def _references(common: Path) -> Iterator[str]:
    """Names of the files in which a repository names its revisions."""
    if (common / "packed-refs").is_file():
        yield "packed-refs"
    for folder, _, names in os.walk(common / "refs"):
        for name in names:
            yield str((Path(folder) / name).relative_to(common))


def _copy_reference(origin: Path, name: str, target: Path) -> None:
    try:
        with opened_plainly(origin / name) as file:
            text = file.read() if name == "packed-refs" else file.read(MAX_REFERENCE)
    except OSError:
        return
    if name != "packed-refs" and not re.fullmatch(rb"(ref: refs/\S+|[0-9a-f]{40,64})\s*", text):
        return
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    (target / name).write_bytes(text)


def _starts_with(file: Path, *magics: bytes) -> bool:
    with file.open("rb") as opened:
        return opened.read(32).startswith(magics)
