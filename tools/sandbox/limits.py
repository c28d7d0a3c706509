"""What a tenant of the sandbox may use at most.

The kernel holds every limit but three, which the host watches from outside: the wall clock, the
output, and the memory of all processes together. A tenant is one run, one test or one session.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

MIB = 2**20
LEAST_MEMORY = 64 * MIB
"""Bytes of address space below which Python itself does not work."""
LEAST_OPEN_FILES = 32
"""Descriptors below which Python cannot import and answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one tenant. Sizes are in bytes, times in seconds."""

    seconds: float = 10.0
    """Wall-clock time of one run, cell or test; then the whole process tree is killed."""
    cpu_seconds: int = 10
    """CPU time of each process, in whole seconds."""
    memory: int = 512 * MIB
    """Address space of each process (RLIMIT_AS): what Python cannot get raises `MemoryError`."""
    total_memory: int = 1024 * MIB
    """Resident memory of all processes together, looked at every tenth of a second."""
    processes: int = 32
    """Processes and threads alive at once."""
    files: int = 64 * MIB
    """Everything in the work folder, `/tmp` and `/dev/shm`: a tmpfs of this size."""
    file_count: int = 4096
    """Files and folders in the same place."""
    file_size: int = 64 * MIB
    """One file."""
    output: int = MIB
    """Standard output and standard error, each; more than that ends the run."""
    open_files: int = 128
    """Descriptors of each process.

    Times `processes` and the 208 KiB that the kernel keeps for a socket that nobody reads, this is
    the bound of the kernel's memory for a tenant: `total_memory` does not count it.
    """

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
                raise ValueError(f"limit {name}={value!r}: it must be a positive number")
            if name != "seconds" and not isinstance(value, int):
                raise ValueError(f"limit {name}={value!r}: it must be a whole number")
        for name, least in (("memory", LEAST_MEMORY), ("open_files", LEAST_OPEN_FILES)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"limit {name}={getattr(self, name)}: Python needs at least {least}"
                )
