"""The `native` backend: namespaces, a minimal root, Landlock and seccomp, by Python itself.

It needs a Linux kernel from 5.13 on that lets this user create user namespaces, and no program.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from .backend import UnavailableError
from .launch import INSIDE, Launch
from .limits import Limits
from .packages import Package
from .root import PACKAGES, interpreter, plan
from .zygotes import Zygotes

NAME = "native"
OVERFLOW = 65534
"""The user `nobody`, for systems where no higher number may be used."""
OWNER_OF_NOTHING = 0x7F5A0000
"""A user id that no account has: what root becomes, so that the kernel counts its processes."""


class Native(Zygotes):
    """The backend; see the module."""

    def __init__(self, limits: Limits, packages: Sequence[Package] = ()) -> None:
        super().__init__(NAME, limits, lambda: _launch(packages))


def _launch(packages: Sequence[Package]) -> Launch:
    return Launch(
        arguments=[],
        interpreter=interpreter(),
        folder=str(INSIDE.parent),
        packages=PACKAGES,
        config={"root": plan(packages).as_dict(), "user": user()},
    )


def user() -> int | None:
    """The user that root becomes; None where this is nobody whose processes go uncounted.

    Raises:
        UnavailableError: this is root, in a user namespace that has no other user.
    """
    with open("/proc/self/uid_map") as file:
        ranges = [[int(word) for word in line.split()] for line in file]
    outside = {first: beyond for first, beyond, _ in ranges}
    if os.geteuid() != 0 or outside.get(0, 0) != 0:
        return None
    for wanted in (OWNER_OF_NOTHING, OVERFLOW):
        if any(first <= wanted < first + count for first, _, count in ranges):
            return wanted
    raise UnavailableError("root has no other user to become in this user namespace")
