"""The `bubblewrap` backend: `bwrap` leaves the host, and the zygote inside does the rest.

The program is a few thousand lines that many eyes have read, and is what Flatpak uses, so it is the
first choice where it is installed. Each tenant is confined exactly as in the `native` backend.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from .backend import UnavailableError
from .launch import INSIDE, Launch
from .limits import Limits
from .native import user
from .packages import Package
from .root import PACKAGES, Root, interpreter, plan
from .zygotes import Zygotes

NAME = "bubblewrap"
FOLDER = "/opt/sandbox"
"""Where the zygote's own code is found inside."""


FIRST_TO_GO = ["/bin/sh", "-c", 'echo 1000 2>&- >/proc/self/oom_score_adj; exec "$@"', "sh"]
"""Runs a command that the kernel ends before all others, should the host's memory run out."""


class Bubblewrap(Zygotes):
    """The backend; see the module."""

    def __init__(self, limits: Limits, packages: Sequence[Package] = ()) -> None:
        super().__init__(NAME, limits, lambda: _launch(packages))


def _launch(packages: Sequence[Package]) -> Launch:
    program = shutil.which("bwrap")
    if program is None:
        raise UnavailableError("there is no `bwrap`; install the package `bubblewrap`")
    root = plan(packages)
    root.binds.append((str(INSIDE), f"{FOLDER}/inside"))
    namespaces, processes, owner = _namespaces(), _processes(), user()
    files = _files(root.files)
    return Launch(
        arguments=[*FIRST_TO_GO, program, *namespaces, *_mounts(root, files), *processes, "--"],
        interpreter=interpreter(),
        folder=FOLDER,
        packages=PACKAGES,
        config={"root": None, "user": owner},
        descriptors=list(files.values()),
    )


def _namespaces() -> list[str]:
    """Root stays root for bwrap, so that it can read the interpreter; the zygote drops it then."""
    common = ["--die-with-parent", "--as-pid-1", "--cap-add", "ALL"]
    if user() is None:
        return [*common, "--unshare-all"]
    parts = ("pid", "net", "ipc", "uts", "cgroup-try")
    return [*common, *(f"--unshare-{part}" for part in parts)]


def _files(texts: Mapping[str, str]) -> dict[str, int]:
    """For each path a descriptor that gives its text."""
    files: dict[str, int] = {}
    with ExitStack() as failed:
        for path, text in texts.items():
            files[path] = os.memfd_create("file")
            failed.callback(os.close, files[path])
            os.write(files[path], text.encode())
            os.lseek(files[path], 0, os.SEEK_SET)
        failed.pop_all()
    return files


def _mounts(root: Root, files: Mapping[str, int]) -> list[str]:
    arguments: list[str] = []
    places = [Path(path) for path in (*root.folders, *(path for _, path in root.binds))]
    parents = {str(parent) for place in places for parent in place.parents}
    for folder in sorted({*root.folders, *parents} - {"/"}):
        arguments += ["--perms", "0755", "--dir", folder]
    for path, descriptor in files.items():
        arguments += ["--perms", "0644", "--file", str(descriptor), path]
    for path, target in root.links.items():
        arguments += ["--symlink", target, path]
    for source, path in root.binds:
        arguments += ["--ro-bind", source, path]
    for source, path in root.devices:
        arguments += ["--dev-bind", source, path]
    for folder in root.covers:
        arguments += ["--perms", "0755", "--tmpfs", folder, "--remount-ro", folder]
    return [*arguments, "--remount-ro", "/"]


def _processes() -> list[str]:
    """Root's zygote needs /proc to enter a user namespace, and hides it then."""
    return ["--proc", "/proc"] if user() is not None else []
