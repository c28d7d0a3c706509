"""A worker with no isolation but resource limits: what `unsafe-subprocess` starts.

The host starts it as `python -I -c "..." FOLDER DESCRIPTOR LIMITS` in the work folder; it answers
one job after the other on the descriptor until the host closes it or kills the process.
"""

from __future__ import annotations

import builtins
import os
import resource
from contextlib import suppress

from .jobs import Kernel, decode, encode

vars()["__builtins__"] = dict(vars(builtins))  # for the function below, whatever is done to them

HEADER = 4


def main(descriptor: int, limits: dict[str, tuple[int, int]]) -> None:
    """Say with an empty frame that all is ready, then serve jobs.

    Args:
        descriptor: the socket that jobs come from and replies go to.
        limits: from the name of a resource limit, for example `RLIMIT_AS`, to soft and hard limit.
    """
    write, read = os.write, os.read
    os.set_inheritable(descriptor, False)
    kernel = Kernel()
    for name, (soft, hard) in limits.items():
        with suppress(ValueError, OSError):  # a lower limit is in force, or the system has none
            resource.setrlimit(getattr(resource, name), (soft, hard))
    write(descriptor, bytes(HEADER))
    while header := read(descriptor, HEADER):
        frame = b""
        length = int.from_bytes(header, "big")
        while len(frame) < length:
            frame += read(descriptor, length - len(frame))
        reply = encode(kernel.perform(decode(frame)))
        data = memoryview(len(reply).to_bytes(HEADER, "big") + reply)
        while data:
            data = data[write(descriptor, data) :]
