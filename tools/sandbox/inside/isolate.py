"""Leave the host: fresh namespaces and a small read-only root, with no program but Python.

This is what bubblewrap does, in the process that will be the zygote. Run by root, it first builds
the root, so that a Python in a folder that only root may enter works, and then becomes a user that
owns nothing before it enters a user namespace: the kernel counts no processes of root's.
"""

from __future__ import annotations

import os

from . import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

NAMESPACES = (
    system.CLONE_NEWUSER
    | system.CLONE_NEWNS
    | system.CLONE_NEWPID
    | system.CLONE_NEWNET
    | system.CLONE_NEWIPC
    | system.CLONE_NEWUTS
    | system.CLONE_NEWCGROUP
)
NOBODY = 65534
"""The user and the group that everything inside belongs to, as it looks from inside."""
STAGE = "/tmp"
"""Where the new root is put together; only this process sees it there."""

EMPTY = "mode=0755,size=4k,nr_inodes=2"
"""A tmpfs that hides a folder."""


def isolate(root: dict[str, Any], user: int | None) -> None:
    """Leave the host, but for the process namespace, which the next child enters.

    Args:
        root: what the new root holds; see `build`.
        user: the host's user and group id to become; None where this is not root.

    Raises:
        OSError: the kernel refused a step; the message names it.
    """
    own = _own()
    _be_first_to_go(own)
    built = False
    if user is not None:
        try:
            system.unshare(system.CLONE_NEWNS)
            built = True
        except PermissionError:
            built = False  # root in a container that may not mount
        if built:
            build(root)
        _become(user)
    _enter_user_namespace(own, NAMESPACES)
    if not built:
        build(root)


def _be_first_to_go(own: int) -> None:
    """Have the kernel end this, and all that it starts, before others if memory runs out."""
    try:
        _write(own, "oom_score_adj", "1000")
    except OSError:
        return  # nobody is then


def lower(user: int) -> None:
    """Where somebody else has made the root, but left this process root: become nobody in it."""
    own = _own()
    _become(user)
    _enter_user_namespace(own, NAMESPACES & ~system.CLONE_NEWPID)
    system.mount("tmpfs", "/proc", "tmpfs", system.MS_RDONLY, EMPTY)


def _own() -> int:
    """A descriptor of this process's folder in /proc."""
    return os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    system.prctl(system.PR_SET_DUMPABLE, 1)  # or /proc/self stays root's


def _enter_user_namespace(own: int, namespaces: int) -> None:
    outside = {"uid_map": os.geteuid(), "gid_map": os.getegid()}
    system.unshare(namespaces)
    _write(own, "setgroups", "deny")
    for file, number in outside.items():
        _write(own, file, f"{NOBODY} {number} 1")
    os.close(own)
    system.prctl(system.PR_SET_DUMPABLE, 0)


def build(root: dict[str, Any]) -> None:
    """Make a root of nothing but what is named, read-only, and enter it.

    Args:
        root: `folders`, `files` (path to text), `links` (path to target), `binds` (pairs of a
            host's path and a path, read-only), `devices` (the same, but devices that can be used),
            `covers` (folders to be hidden under empty ones).
    """
    system.make_private()
    closed = system.MS_RDONLY | system.MS_NOSUID
    trees = [
        *((system.clone_tree(path, closed | system.MS_NODEV), at) for path, at in root["binds"]),
        *((system.clone_tree(path, closed | system.MS_NOEXEC), at) for path, at in root["devices"]),
    ]
    system.mount("tmpfs", STAGE, "tmpfs", system.MS_NOSUID | system.MS_NODEV, "mode=0755")
    for folder in root["folders"]:
        os.makedirs(STAGE + folder, 0o755, exist_ok=True)
    for path, text in root["files"].items():
        with open(STAGE + path, "x") as file:
            file.write(text)
    for path, target in root["links"].items():
        os.symlink(target, STAGE + path)
    _attach(trees)
    for folder in root["covers"]:
        system.mount("tmpfs", STAGE + folder, "tmpfs", closed | system.MS_NODEV, EMPTY)
    system.enter_root(STAGE)
    _lock()


def _attach(trees: Sequence[tuple[int, str]]) -> None:
    for tree, at in trees:
        path = STAGE + at
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        if os.path.isdir(f"/proc/self/fd/{tree}"):
            os.makedirs(path, 0o755, exist_ok=True)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        system.attach(tree, path)


def _lock() -> None:
    """Make the root itself read-only; its mounts already are."""
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    system.set_attributes(root, system.MS_RDONLY, below=False)
    os.close(root)


def _write(folder: int, file: str, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, f"{file}: {error.strerror}") from None
    finally:
        os.close(descriptor)
