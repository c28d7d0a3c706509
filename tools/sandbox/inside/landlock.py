"""Landlock: rights on files that a process gives up for itself and for all that it will start.

A second wall behind the mounts. Everything may be read and executed, only the tenant's own place
and the devices may be written, TCP ports are closed, and neither abstract Unix sockets nor signals
leave the tenant. Older kernels know fewer of these rights, or none: `abi` tells.

Source: the kernel's `Documentation/userspace-api/landlock.rst`.
"""

from __future__ import annotations

import os
import struct

from . import system

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE = 1 << 14
RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 6: 16}
"""How many rights on files an ABI knows: they are the lowest bits."""
NETWORK = 0b11
"""Bind and connect, for TCP; from ABI 4 on."""
SCOPES = 0b11
"""Abstract Unix sockets and signals; from ABI 6 on."""
MAKE_DEVICES = 1 << 6 | 1 << 11
"""Making character and block devices: never given."""


def abi() -> int:
    """The version of Landlock that the kernel has; 0 where it has none."""
    try:
        return system.call(system.LANDLOCK_CREATE_RULESET, None, 0, 1)
    except OSError:
        return 0


def restrict(writable: str, devices: str) -> None:
    """Give up all rights but those named above; nothing where the kernel has no Landlock.

    Args:
        writable: the folder that may be written.
        devices: the folder whose files may be read and written, and nothing made.
    """
    version = abi()
    if version == 0:
        return
    every = (1 << RIGHTS_OF_ABI.get(version, RIGHTS_OF_ABI[6])) - 1
    words = (every, NETWORK if version >= 4 else 0, SCOPES if version >= 6 else 0)
    attributes = struct.pack("QQQ", *words)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = system.call(system.LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    reading = EXECUTE | READ_FILE | READ_DIR
    for path, rights in (
        ("/", reading),
        (devices, reading | WRITE_FILE | TRUNCATE),
        (writable, ~MAKE_DEVICES),
    ):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", rights & every, place)
        system.call(system.LANDLOCK_ADD_RULE, rules, 1, rule, 0)
        os.close(place)
    system.call(system.LANDLOCK_RESTRICT_SELF, rules, 0)
    os.close(rules)
