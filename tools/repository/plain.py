"""Plain files on their way into a store: from a folder, a tar or a zip archive.

Only files and symbolic links count. Links are kept as they are and never followed; anything called
`.git` is left out; names that lead outside are an error.
"""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .errors import PathError, SourceError
from .paths import checked
from .store import FILE, LINK, PROGRAM, Store, quoted

MAX_FILES = 200_000
"""Most files of a source."""
MAX_BYTES = 2 * 2**30
"""Most bytes of a source, unpacked."""
MAX_FILE = 256 * 2**20
"""Most bytes of one file."""


class Item(NamedTuple):
    """A file on its way into the store."""

    path: str
    mode: str
    data: bytes


def too_large(source: Path) -> SourceError:
    return SourceError(
        f"{source} is too large: at most {MAX_FILES:,} files, {MAX_BYTES:,} bytes together and "
        f"{MAX_FILE:,} in one file"
    )


def opened_plainly(path: Path) -> BinaryIO:
    """A plain file, opened without following a link or waiting for a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SourceError(f"{path} is not a plain file")
    return os.fdopen(descriptor, "rb")


def walked(top: Path) -> Iterator[Item]:
    """The files of a folder; sockets, pipes and devices are passed over."""
    for folder, folders, names in os.walk(top):
        for name in [*folders, *names]:
            path = Path(folder, name)
            relative = path.relative_to(top).as_posix()
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                yield Item(relative, LINK, os.fsencode(os.readlink(path)))
            elif stat.S_ISREG(status.st_mode):
                if status.st_size > MAX_FILE:
                    raise too_large(top)
                with opened_plainly(path) as file:
                    mode = PROGRAM if status.st_mode & stat.S_IXUSR else FILE
                    yield Item(relative, mode, file.read(MAX_FILE + 1))
        folders[:] = sorted(name for name in folders if name.casefold() != ".git")


def untarred(archive: Path) -> Iterator[Item]:
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.size > MAX_FILE:
                raise too_large(archive)
            if member.issym():
                yield Item(member.name, LINK, os.fsencode(member.linkname))
            elif member.isreg() and (file := tar.extractfile(member)) is not None:
                yield Item(member.name, PROGRAM if member.mode & 0o100 else FILE, file.read())
            elif member.islnk():
                raise SourceError(f"{archive} holds a hard link {member.name!r}: pack it without")


def unzipped(archive: Path) -> Iterator[Item]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                raise SourceError(f"{archive} is encrypted: unpack it yourself")
            if info.file_size > MAX_FILE:
                raise too_large(archive)
            mode = info.external_attr >> 16
            kind = LINK if stat.S_ISLNK(mode) else PROGRAM if mode & 0o100 else FILE
            with packed.open(info) as file:
                yield Item(info.filename, kind, file.read(MAX_FILE + 1))


def written(store: Store, items: Iterator[Item]) -> str:
    """The tree of these files, written into the store in one stream."""
    count = total = 0
    with tempfile.TemporaryFile() as stream:
        stream.write(b"commit refs/heads/source\ncommitter source <> 0 +0000\ndata 0\n")
        try:
            for path, mode, data in items:
                if ".git" in path.casefold().split("/"):
                    continue
                name = quoted(checked(path)).encode()
                count, total = count + 1, total + len(data)
                if count > MAX_FILES or total > MAX_BYTES or len(data) > MAX_FILE:
                    raise SourceError(
                        f"the source is too large: at {count:,} files, {total:,} bytes"
                    )
                stream.write(b"M %s inline %s\ndata %d\n" % (mode.encode(), name, len(data)))
                stream.write(data + b"\n")
        except (
            PathError,
            OSError,
            tarfile.TarError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
        ) as e:
            raise SourceError(f"the source cannot be read: {e}") from None
        stream.seek(0)
        store.git("fast-import", "--quiet", stdin=stream)
    return store.git("rev-parse", "refs/heads/source^{tree}").decode().strip()
