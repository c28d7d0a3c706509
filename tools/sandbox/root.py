"""What the tenant's root holds: the system's libraries, this Python without its packages, no more.

Everything is read-only, and is found at the same path as on the host, so that libraries and
interpreters work. Packages of the host are hidden, unless they were allowed by name.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .packages import Package

LINKS = ("/lib", "/lib32", "/lib64", "/libx32", "/bin")
"""Folders that are links into `/usr` on most systems, and are made links then."""
DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
"""Not `/dev/zero`: mapped and shared, it is memory that no limit counts."""
PACKAGES = "/packages"
"""Where packages that were allowed are found."""
ACCOUNTS = {
    "/etc/passwd": "nobody:x:65534:65534:nobody:/box/work:/bin/sh\n",
    "/etc/group": "nobody:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
}
HIDDEN = ("site-packages", "dist-packages")


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
    paths = [*_libraries(), "/usr/bin", "/usr/share/zoneinfo", "/etc/ld.so.cache", *_interpreter()]
    for path in LINKS:
        if os.path.islink(path):
            root.links[path] = os.readlink(path)
        else:
            paths.append(path)
    for path in paths:
        if os.path.exists(path) and not any(Path(path).is_relative_to(b) for b, _ in root.binds):
            root.binds.append((path, path))
    root.covers = [folder for path, _ in root.binds for folder in _packages_in(path)]
    root.binds += [(package.source, f"{PACKAGES}/{package.name}") for package in packages]
    return root


def _packages_in(path: str) -> list[str]:
    """The folders of installed packages in a folder of libraries, or one level below."""
    if not os.path.basename(path).startswith(("lib", "python")) or not os.path.isdir(path):
        return []
    folders = [path, *(entry.path for entry in os.scandir(path) if entry.is_dir())]
    found = [os.path.join(folder, kind) for folder in folders for kind in HIDDEN]
    return [folder for folder in found if os.path.isdir(folder) and not os.path.islink(folder)]


def interpreter() -> str:
    """The Python to start inside: that of this process, without a virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _libraries() -> list[str]:
    """The folders of shared libraries: on Debian and its kin one for this machine, else all."""
    own = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}"
    first = [own] if os.path.isdir(own) else ["/usr/lib"]
    return [*first, "/usr/lib64", "/usr/lib32", "/usr/libx32"]


def _interpreter() -> list[str]:
    """The interpreter, its standard library, and the libraries that lie beside that."""
    prefix = Path(sys.base_prefix)
    standard = os.path.realpath(sysconfig.get_path("stdlib"))
    if (prefix / "conda-meta").is_dir():
        return [interpreter(), str(prefix / "lib")]
    beside = [*prefix.glob("lib/libpython*"), *prefix.glob(f"{sys.platlibdir}/libpython*")]
    platform = os.path.join(sys.base_exec_prefix, sys.platlibdir, os.path.basename(standard))
    return [interpreter(), standard, os.path.realpath(platform), *map(str, beside)]
