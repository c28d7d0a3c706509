"""The worker process of `sessions.py`: holds worlds and steps them, one request at a time.

It reads pickled frames from its parent on standard input, and ends when the parent does, however
the parent ends, also in the middle of a long step. What an engine prints goes to standard error and
cannot disturb the answers.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from typing import Any, BinaryIO

from .environment import Environment
from .sessions import HEADER

LOOK_SECONDS = 1.0
"""How often a worker looks whether its parent lives."""


def main() -> None:
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests = sys.stdin.buffer
    template: Environment | None = _read(requests)
    worlds: dict[int, Environment] = {}
    while template is not None and (request := _read(requests)) is not None:
        number, world, verb, value = request
        try:
            body = pickle.dumps((number, _do(template, worlds, world, verb, value), None))
        except Exception as error:  # whatever it was, the episode that asked must hear of it
            body = pickle.dumps((number, None, (type(error).__name__, str(error))))
        try:
            answers.write(HEADER.pack(len(body)) + body)
            answers.flush()
        except BrokenPipeError:  # the parent was killed
            return


def _do(
    template: Environment, worlds: dict[int, Environment], world: int, verb: str, value: Any
) -> Any:
    if verb == "reset":
        if world not in worlds:
            worlds[world] = template.fork()
        return worlds[world].reset(value)
    if verb == "step":
        return worlds[world].step(value)
    if verb == "snapshot":
        return worlds[world].snapshot()
    if verb == "restore":
        return worlds[world].restore(value)
    if world in worlds:
        worlds.pop(world).close()
    return None


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def _read(stream: BinaryIO) -> Any:
    """The next frame, or None at the end of the stream."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    return pickle.loads(stream.read(length))


if __name__ == "__main__":
    main()
