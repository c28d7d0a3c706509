"""What the tenant's root holds: the system's libraries, this Python without its packages, no more.

Everything is read-only, and is found at the same path as on the host, so that libraries and
interpreters work. Packages of the host are hidden, unless they were allowed by name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .packages import Package

LIBRARIES = ("/lib", "/lib32", "/lib64", "/libx32", "/bin")
"""Folders that are links into `/usr` on most systems, and are made links then."""
SYSTEM = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/bin", "/usr/share/zoneinfo")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
PACKAGES = "/packages"
"""Where packages that were allowed are found."""
ACCOUNTS = {
    "/etc/passwd": "nobody:x:65534:65534:nobody:/box/work:/bin/sh\n",
    "/etc/group": "nobody:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
}


@dataclass(slots=True)
class Root:
    """The plan of a root; paths are absolute."""

    folders: list[str]
    files: dict[str, str]
    """From a path to its text."""
    links: dict[str, str]
    """From a path to where it leads."""
    binds: list[tuple[str, str]] = field(default_factory=list)
    """From the host's path to the path inside, read-only."""
    devices: list[tuple[str, str]] = field(default_factory=list)
    covers: list[str] = field(default_factory=list)
    """Folders of binds that are hidden under empty ones."""

    def as_dict(self) -> dict[str, object]:
        """As `inside.isolate.build` takes it."""
        return asdict(self)


def plan(packages: Sequence[Package]) -> Root:
    """The root for this interpreter and these packages."""
    root = Root(
        folders=["/box", "/dev", "/etc", "/proc", "/usr", PACKAGES],
        files=dict(ACCOUNTS),
        links={"/tmp": "box/tmp", "/dev/shm": "../box/shm"},
        devices=[(device, device) for device in DEVICES],
    )
    for path in LIBRARIES:
        if os.path.islink(path):
            root.links[path] = os.readlink(path)
        elif os.path.isdir(path):
            root.binds.append((path, path))
    root.binds += [(path, path) for path in SYSTEM if os.path.isdir(path)]
    if os.path.isfile("/etc/ld.so.cache"):
        root.binds.append(("/etc/ld.so.cache", "/etc/ld.so.cache"))
    root.binds += [(path, path) for path in _interpreter() if not _bound(path, root)]
    libraries = {source for source, _ in root.binds if os.path.isdir(source)}
    root.covers = sorted(
        str(folder)
        for library in libraries
        for kind in ("site-packages", "dist-packages")
        for folder in (*Path(library).glob(kind), *Path(library).glob(f"*/{kind}"))
        if folder.is_dir() and not folder.is_symlink()
    )
    root.binds += [(package.source, f"{PACKAGES}/{package.name}") for package in packages]
    return root


def interpreter() -> str:
    """The Python to start inside: that of this process, without a virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _interpreter() -> list[str]:
    """The interpreter and its libraries."""
    prefix = Path(sys.base_prefix)
    libraries = [prefix / name for name in ("lib", sys.platlibdir) if (prefix / name).is_dir()]
    return [interpreter(), *dict.fromkeys(str(path.resolve()) for path in libraries)]


def _bound(path: str, root: Root) -> bool:
    return any(Path(path).is_relative_to(source) for source, _ in root.binds)
