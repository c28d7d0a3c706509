"""Runs blocks of code from the documentation, each in a process of its own.

The processes are forked from one that has imported what is slow to import, and used none of it.
"""

from __future__ import annotations

import os
import sys
import traceback
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    ["torch", "peft", "langgraph.graph", "symposia.models.local", "symposia.training.trainer"]
)


def run(code: str, folder: Path, seconds: float) -> str:
    """Run a block in a folder; what went wrong, if anything did."""
    told = folder / "error"
    process = FORKS.Process(target=_run, args=(code, folder, told))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        return f"it has not ended after {seconds} s"
    if told.is_file():
        return told.read_text()
    return "" if process.exitcode == 0 else f"it ended with {process.exitcode}"


def _run(code: str, folder: Path, told: Path) -> None:
    os.chdir(folder)
    main = sys.modules["__main__"] = ModuleType("__main__")
    try:
        exec(compile(code, "block", "exec"), main.__dict__)
    except BaseException:
        told.write_text(traceback.format_exc())
