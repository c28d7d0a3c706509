"""A sandbox for each backend that isolates, opened once for a whole file of tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

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
