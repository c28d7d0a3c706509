"""A process of its own for scorers that let sympy simplify what a model wrote.

Formulas of a line can keep sympy busy for hours and fill all memory. The process is started with
the first formula, scores one at a time, and is killed and started again when one takes too long.
It reads pickles from its parent and answers with a number, nothing else.
"""

from __future__ import annotations

import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

LIMIT = 10.0
"""Seconds that a formula may take."""
START = 120.0
"""Seconds that the process may take to start."""
MEMORY = 4 * 2**30
"""Bytes of address space that the process may take."""
HEADER = struct.Struct(">Q")
"""Length of the pickle that follows, in bytes."""
SCORE = struct.Struct(">d")


class OutOfTimeError(RuntimeError):
    """A formula was not scored: it took too long, or too much memory."""


class FormulaScorer:
    """Scores formulas in a process that can be killed. Many environments may share it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def score(
        self, family: str, config: Mapping[str, Any], answer: str, entry: Mapping[str, Any]
    ) -> float:
        """What the scorer of a family gives for an answer.

        Raises:
            OutOfTimeError: it took longer than `LIMIT`, or the process ended over it.
        """
        body = pickle.dumps((family, dict(config), answer, dict(entry)))
        with self._lock:
            process = self._started()
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # nothing will be read, then
                process.stdin.write(HEADER.pack(len(body)) + body)
                process.stdin.flush()
            return self._read(process, LIMIT)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
                },
            )
            weakref.finalize(self, _end, self._process)
            self._read(self._process, START)
        return self._process

    def _read(self, process: subprocess.Popen[bytes], seconds: float) -> float:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], seconds)
        said = process.stdout.read(SCORE.size) if ready else b""
        if len(said) < SCORE.size:
            self._process = None
            _end(process)
            why = "ended over it" if ready else f"took longer than {seconds:g} s"
            raise OutOfTimeError(f"the scorer {why}")
        score: float = SCORE.unpack(said)[0]
        return score


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def main() -> None:
    """Score what the parent sends, until it ends."""
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a scorer prints is no answer
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from reasoning_gym.factory import create_dataset  # type: ignore[import-untyped]

    warnings.simplefilter("ignore")
    answers.write(SCORE.pack(0.0))  # it has started
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        family, config, answer, entry = pickle.loads(requests.read(HEADER.unpack(header)[0]))
        puzzles = create_dataset(family, seed=0, size=1, **config)
        answers.write(SCORE.pack(float(puzzles.score_answer(answer, entry))))
