"""Sandboxes for tests: every backend that works on this machine."""

from __future__ import annotations

import asyncio
import os
from functools import cache
from typing import Any

from symposia.tools.sandbox import PythonSandbox, UnavailableError
from symposia.tools.sandbox.backends import CHOICES
from symposia.tools.sandbox.docker import NAME as DOCKER
from symposia.tools.sandbox.unsafe import NAME as UNSAFE


def sandbox(backend: str, **settings: Any) -> PythonSandbox:
    """A sandbox with this backend, not yet opened."""
    settings = {"workers": 1, **settings}
    if backend == DOCKER:
        settings = {"image": os.environ.get("SYMPOSIA_SANDBOX_IMAGE"), **settings}
    return PythonSandbox(backend, allow_unsafe=backend == UNSAFE, **settings)


@cache
def local_backends() -> tuple[str, ...]:
    """The names of the local backends that work here.

    Docker's containers are slow to start: SYMPOSIA_SANDBOX_IMAGE names an image to test them with.
    """
    wanted = (*CHOICES, *([DOCKER] if os.environ.get("SYMPOSIA_SANDBOX_IMAGE") else []))
    return (*(name for name in wanted if asyncio.run(_works(name))), UNSAFE)


async def _works(backend: str) -> bool:
    box = sandbox(backend, workers=0)
    try:
        await box.open()
    except UnavailableError:
        return False
    await box.close()
    return True
