"""Why the kernel may refuse to isolate, and what to do about it.

The refusal itself is one word, such as `EPERM`. The settings that are known to cause it can be
read, so that the error says which one to change.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple


class Setting(NamedTuple):
    """A setting of the kernel that forbids user namespaces."""

    path: str
    forbidding: str
    """The value with which it does."""
    remedy: str


SETTINGS: Final = (
    Setting(
        "kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are for root alone here: sysctl kernel.unprivileged_userns_clone=1",
    ),
    Setting(
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor restricts user namespaces: install bubblewrap with an AppArmor profile, or "
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    Setting(
        "user/max_user_namespaces",
        "0",
        "no user namespace may be made here: sysctl user.max_user_namespaces=10000",
    ),
)
CONTAINER = (
    "in a Docker container, start it with `--security-opt seccomp=unconfined`, or use the "
    "backend `docker` or `remote`"
)


def remedies(read: Callable[[str], str] | None = None) -> list[str]:
    """What to change so that isolation may work, for the causes that can be seen.

    Args:
        read: gives the value of a setting, `""` where there is none; by default from /proc/sys.
    """
    read = read or _read
    found = [setting.remedy for setting in SETTINGS if read(setting.path) == setting.forbidding]
    if any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")):
        found.append(CONTAINER)
    return found


def _read(path: str) -> str:
    try:
        return Path("/proc/sys", path).read_text().strip()
    except OSError:
        return ""
