"""Sandboxes for tests: every backend that works on this machine."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from symposia.tools.sandbox import PythonSandbox, UnavailableError
from symposia.tools.sandbox.backends import CHOICES
from symposia.tools.sandbox.unsafe import NAME as UNSAFE


def sandbox(backend: str, **settings: Any) -> PythonSandbox:
    """A sandbox with this backend, not yet opened."""
    settings = {"workers": 1, **settings}
    return PythonSandbox(backend, allow_unsafe=backend == UNSAFE, **settings)


@cache
def local_backends() -> tuple[str, ...]:
    """The names of the local backends that work here."""
    return (*(name for name in CHOICES if asyncio.run(_works(name))), UNSAFE)


async def _works(backend: str) -> bool:
    box = sandbox(backend, workers=0)
    try:
        await box.open()
    except UnavailableError:
        return False
    await box.close()
    return True
