"""Make a fresh process a tenant's: own work folder, limits, and no way to anything else.

The order matters. The work folder is mounted while that is still allowed; a user namespace of its
own, in which no user is mapped, then takes every right over the mounts away and gives the tenant
its own count of processes; Landlock, capabilities and the filter of system calls come last. All of
it is inherited and none of it can be undone.
"""

from __future__ import annotations

import os
import resource

from . import landlock, system

NAMESPACES = (
    system.CLONE_NEWNS
    | system.CLONE_NEWPID
    | system.CLONE_NEWIPC
    | system.CLONE_NEWUTS
    | system.CLONE_NEWCGROUP
)
"""What `system.fork_into` takes for a tenant; its user namespace follows in `confine`. That of the
network is the zygote's: to make one takes a millisecond, and no tenant gets a socket for it."""
PLACE = "/box"
"""The tmpfs of the tenant."""
HOME = f"{PLACE}/work"
FOLDERS = (HOME, f"{PLACE}/tmp", f"{PLACE}/shm")
STACK = 8 * 2**20
"""Bytes of a process's stack."""
SECURE_BITS = 0b11101111
"""No rights for being root, none kept at a change of user, and all of that locked."""


class Confinement:
    """What holds a tenant: some of the host's `Limits`, and the filter of system calls."""

    def __init__(
        self,
        *,
        cpu_seconds: int,
        memory: int,
        processes: int,
        files: int,
        file_count: int,
        file_size: int,
        open_files: int,
        program: bytes,
    ) -> None:
        self.cpu_seconds = cpu_seconds
        self.memory = memory
        self.processes = processes
        self.files = files
        self.file_count = file_count
        self.file_size = file_size
        self.open_files = open_files
        self.filter = system.Filter(program)


def confine(limits: Confinement) -> None:
    """Give up everything but what the limits allow, for this process and all that it will start.

    Raises:
        OSError: the kernel refused a step: the process must not go on.
    """
    size = f"size={limits.files},nr_inodes={limits.file_count},mode=0755"
    system.mount("tmpfs", PLACE, "tmpfs", system.MS_NOSUID | system.MS_NODEV, size)
    for folder in FOLDERS:
        os.mkdir(folder, 0o700)
    system.unshare(system.CLONE_NEWUSER)
    os.chdir(HOME)
    os.umask(0o022)
    for name, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_STACK, STACK),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, 256),
    ):
        _limit(name, value, value)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)
    system.prctl(system.PR_SET_DUMPABLE, 0)
    system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict(PLACE, "/dev")
    system.prctl(system.PR_SET_SECUREBITS, SECURE_BITS)
    system.drop_capabilities()
    limits.filter.install()


def _limit(name: int, soft: int, hard: int) -> None:
    """Set a limit, or keep the host's where that is lower."""
    ceiling = resource.getrlimit(name)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(name, (soft, hard))
