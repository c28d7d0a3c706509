"""The files of a tree written into a folder of the host."""

from __future__ import annotations

import os
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
