"""A sandbox for each backend that isolates, opened once for a whole file of tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from symposia.tools.sandbox import Limits, PythonSandbox, UnavailableError

LIMITS = Limits(
    seconds=5.0,
    cpu_seconds=4,
    files=8 * 2**20,
    file_count=200,
    total_memory=768 * 2**20,
    processes=24,
    output=2**18,
)


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["native", "bubblewrap"])
async def box(request: pytest.FixtureRequest) -> AsyncIterator[PythonSandbox]:
    """A sandbox with small limits; its tests are marked with `loop_scope="module"`."""
    sandbox = PythonSandbox(request.param, limits=LIMITS, workers=2)
    try:
        await sandbox.open()
    except UnavailableError as error:
        pytest.skip(str(error))
    yield sandbox
    await sandbox.close()


@pytest.fixture
def unprivileged(tmp_path: Path) -> dict[str, Any]:
    """How `subprocess.run` starts a Python like this one as a user with no rights.

    `args` is the beginning of the command.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": path,
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
