"""Stores of every kind, and a PostgreSQL server of our own where its programs are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

from symposia.memory import MemoryStore

KEY = b"a key of thirty-two bytes length"

Open = Callable[..., AbstractAsyncContextManager[MemoryStore]]


def program(name: str) -> str | None:
    """A program of PostgreSQL's, also where only the distribution's folder has it."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, folders)]))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a private server on a Unix socket; PostgreSQL does not run as root."""
    missing = [name for name in ("initdb", "pg_ctl", "postgres") if program(name) is None]
    if missing:
        pytest.skip(f"no PostgreSQL server here: {missing[0]} is not installed")
    pytest.importorskip("langgraph.store.postgres", reason="symposia[postgres] is not installed")
    other: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
            other = {"user": 65534, "group": 65534, "extra_groups": []}

        def run(*command: str) -> None:
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, **other)
            if done.returncode:
                pytest.skip(f"no PostgreSQL server here: {done.stderr.strip()[-200:]}")

        control = str(program("pg_ctl"))
        data = f"{folder}/data"
        run(str(program("initdb")), "-D", data, "-A", "trust", "-U", "symposia", "--no-sync")
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off"
        run(control, "-D", data, "-o", settings, "-l", f"{folder}/log", "-w", "start")
        try:
            yield f"postgresql://symposia@/postgres?host={folder}"
        finally:
            subprocess.run(
                [control, "-D", data, "-m", "immediate", "stop"], capture_output=True, **other
            )


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Where a store can be opened more than once: in this process, a file, an address."""
    if request.param == "memory":
        return InMemoryStore()
    return tmp_path if request.param == "sqlite" else request.getfixturevalue("server")


@pytest.fixture
def team(tmp_path: Path) -> str:
    """A team of this test's own: the tests share a server."""
    return f"team-{tmp_path.name}"


@asynccontextmanager
async def _opened(place: Any, **settings: Any) -> AsyncIterator[MemoryStore]:
    settings = {"key": KEY, **settings}
    if isinstance(place, InMemoryStore):
        yield MemoryStore(place, **settings)
    else:
        async with MemoryStore.open(place, **settings) as store:
            yield store


@pytest.fixture
def opened() -> Open:
    return _opened
