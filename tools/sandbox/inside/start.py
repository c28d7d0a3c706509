"""Where the zygote's process begins: leave the host, unless somebody did it for us, and serve."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # as `import signal` takes far longer
import os
from _socket import socket

from . import system
from .confine import Confinement
from .isolate import isolate, lower
from .wire import decode, encode
from .zygote import serve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKET = 2**18
"""Bytes of the longest configuration."""


def main(descriptor: int) -> None:
    """Read the configuration from the host's socket and serve it.

    Its keys: `host` (the process id that started this, or null where it cannot be seen), `root`
    (what `isolate` builds, or null where the root is already in place), `user` (whom to become, or
    null), `limits` (the
    fields of `Confinement`), `program` (the filter of system calls, in hexadecimal).
    """
    os.set_inheritable(descriptor, False)
    host = socket(fileno=descriptor)
    try:
        _serve(host, decode(host.recv(PACKET)))
    except OSError as error:
        host.send(encode({"refused": str(error.strerror or error)}))
        raise


def _serve(host: socket, config: dict[str, Any]) -> None:
    limits = Confinement(**config["limits"], program=bytes.fromhex(config["program"]))
    if config["root"] is not None:
        isolate(config["root"], config["user"])
        system.prctl(system.PR_SET_PDEATHSIG, _signal.SIGKILL)
        if os.getppid() != config["host"]:
            return  # it died before it could be watched
        child = os.fork()
        if child:
            host.close()
            os.waitpid(child, 0)
            return
    elif config["user"] is not None:
        lower(config["user"])
    system.prctl(system.PR_SET_PDEATHSIG, _signal.SIGKILL)
    serve(host, limits)
