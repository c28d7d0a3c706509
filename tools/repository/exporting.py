"""The files of a tree, out of the store: in a folder of the host, or packed in one archive."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from .errors import RepositoryError
from .paths import link_stays_inside
from .store import LINK, PROGRAM, Store


def write_files(store: Store, tree: str, folder: Path) -> None:
    """Write all files of a tree into a new or empty folder, links last.

    Links that could lead out of the folder are left out.

    Raises:
        RepositoryError: the folder is not empty, or the file system cannot hold the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise RepositoryError(f"{folder} is not empty: name a new or empty folder")
    known = store.listing(tree)
    files = [path for path, entry in known.items() if entry.is_file]
    links = [path for path, entry in known.items() if entry.mode == LINK]
    try:
        for path, data in store.contents(tree, files):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            mode = 0o755 if known[path].mode == PROGRAM else 0o644
            with os.fdopen(os.open(target, flags, mode), "wb") as file:
                file.write(data)
        for path, data in store.contents(tree, links):
            if link_stays_inside(path, os.fsdecode(data)):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                os.symlink(data, os.fsencode(folder / path))
    except OSError as error:
        raise RepositoryError(f"the files cannot be written: {error}") from None


def packed(store: Store, tree: str) -> bytes:
    """The files of a tree as a gzipped tar archive; links that could lead out are left out."""
    known = store.listing(tree)
    paths = [path for path, entry in known.items() if entry.is_file or entry.mode == LINK]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for path, data in store.contents(tree, paths):
            member = tarfile.TarInfo(path)
            member.mode = 0o755 if known[path].mode == PROGRAM else 0o644
            if known[path].mode == LINK:
                if not link_stays_inside(path, os.fsdecode(data)):
                    continue
                member.type, member.linkname = tarfile.SYMTYPE, os.fsdecode(data)
                tar.addfile(member)
            else:
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
