"""A sandbox for each backend that isolates, opened once for a whole file of tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import symposia
from symposia.tools.sandbox import Limits, PythonSandbox, UnavailableError
from symposia.tools.sandbox.processes import children, descendants

LIMITS = Limits(
    seconds=5.0,
    cpu_seconds=4,
    files=8 * 2**20,
    file_count=200,
    total_memory=768 * 2**20,
    processes=24,
    output=2**18,
)


@pytest.fixture(scope="module")
def strangers() -> set[int]:
    """Children of this process that are none of the file's sandboxes: other tests left them."""
    return set(children(os.getpid()))


@pytest.fixture(scope="module")
def processes(strangers: set[int]) -> Callable[[], list[int]]:
    """Gives the processes of the file's sandboxes that live now."""

    def living() -> list[int]:
        own = [pid for pid in children(os.getpid()) if pid not in strangers]
        return [found for pid in own for found in (pid, *descendants(pid))]

    return living


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["native", "bubblewrap"])
async def box(request: pytest.FixtureRequest, strangers: set[int]) -> AsyncIterator[PythonSandbox]:
    """A sandbox with small limits; its tests are marked with `loop_scope="module"`."""
    sandbox = PythonSandbox(request.param, limits=LIMITS, workers=2)
    try:
        await sandbox.open()
    except UnavailableError as error:
        pytest.skip(str(error))
    yield sandbox
    await sandbox.close()


@pytest.fixture(scope="module")
def importable() -> Iterator[str]:
    """A folder that everyone may read, with this package in it, however that was installed."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        Path(folder, "symposia").symlink_to(symposia.__path__[0])
        yield folder


@pytest.fixture
def unprivileged(importable: str) -> dict[str, Any]:
    """How `subprocess.run` starts a Python like this one as a user with no rights.

    `args` is the beginning of the command.
    """
    folders = [importable, *(entry for entry in sys.path if os.path.isdir(entry))]
    environment = {
        "HOME": importable,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(folders),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if os.geteuid() != 0:
        return {"args": [sys.executable], "env": environment}
    options = {"env": environment, "user": 65533, "group": 65533, "extra_groups": []}
    check = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            ran = subprocess.run([python, "-c", check], **options)
        except OSError:
            continue
        if ran.returncode == 0:
            return {"args": [python], **options}
    pytest.skip("no Python of this version that a user without rights may start")
