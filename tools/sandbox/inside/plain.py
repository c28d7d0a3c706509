"""A worker with no isolation but resource limits: what `unsafe-subprocess` starts.

The host starts it as `python -I -c "..." FOLDER DESCRIPTOR LIMITS` in the work folder; it answers
one job after the other on the descriptor until the host closes it or kills the process.
"""

from __future__ import annotations

import builtins
import os
import resource

from .jobs import Kernel
from .wire import decode, encode

vars()["__builtins__"] = dict(vars(builtins))  # for the function below, whatever is done to them

HEADER = 4


def main(descriptor: int, limits: dict[str, tuple[int, int]]) -> None:
    """Set limits, then serve.

    Args:
        descriptor: the socket that jobs come from and replies go to.
        limits: from the name of a resource limit, for example `RLIMIT_AS`, to soft and hard limit.
    """
    kernel = Kernel()
    for name, (soft, hard) in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (soft, hard))
        except (ValueError, OSError):
            continue  # a lower limit is in force, or the system has none
    os.set_inheritable(descriptor, False)
    serve(descriptor, kernel)


def serve(descriptor: int, kernel: Kernel) -> None:
    """Say with an empty frame that all is ready, then do jobs until the host closes the socket."""
    write, read = os.write, os.read
    kernel.begin()
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
