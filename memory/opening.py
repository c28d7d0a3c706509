"""Opening the store of a file or of a PostgreSQL server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from langgraph.store.base import BaseStore

BUSY_SECONDS = 60.0
"""How long a writer waits for another process before it gives up."""
CONNECTIONS = 4
"""To a server, at most."""
SERVERS = ("postgresql://", "postgres://")


@asynccontextmanager
async def open_base(place: str | Path, *, create: bool = True) -> AsyncIterator[BaseStore]:
    """LangGraph's store at a place, ready to be used.

    Args:
        place: an SQLite file, a folder that then holds `memory.db`, or a `postgresql://` address.
        create: make the file if it is not there; off for those who only read.

    Raises:
        FileNotFoundError: there is no file and none is to be made.
        ValueError: the file is no database.
        ImportError: what reaches the place is not installed.
    """
    if str(place).startswith(SERVERS):
        async with _postgres(str(place)) as store:
            yield store
    else:
        async with _sqlite(Path(place), create) as store:
            yield store


@asynccontextmanager
async def _sqlite(path: Path, create: bool) -> AsyncIterator[BaseStore]:
    import sqlite3

    try:
        import aiosqlite
        from langgraph.store.sqlite import AsyncSqliteStore
    except ImportError as error:
        raise ImportError('SQLite memory needs more: pip install "symposia[memory]"') from error
    path = path if path.suffix in (".db", ".sqlite") else path / "memory.db"
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        raise FileNotFoundError(f"no memory at {path}: give the file or folder that holds it")
    async with aiosqlite.connect(path, timeout=BUSY_SECONDS, isolation_level=None) as db:
        store = AsyncSqliteStore(db)

        async def prepare() -> None:
            # A killed process loses nothing that it was told is written; see "WAL" in SQLite's
            # documentation of `synchronous`.
            await db.execute("PRAGMA journal_mode=WAL")
            await db.execute("PRAGMA synchronous=NORMAL")
            await store.setup()

        try:
            await _patiently(prepare, sqlite3.OperationalError, "locked")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
                raise
            raise ValueError(
                f"{path} is damaged, or no memory: restore a copy of it, or name another file"
            ) from error
        yield store


@asynccontextmanager
async def _postgres(address: str) -> AsyncIterator[BaseStore]:
    try:
        from langgraph.store.postgres.aio import AsyncPostgresStore
        from psycopg.errors import IntegrityError
    except ImportError as error:
        raise ImportError(
            'memory on PostgreSQL needs more: pip install "symposia[postgres]"'
        ) from error
    async with AsyncPostgresStore.from_conn_string(
        address, pool_config={"min_size": 1, "max_size": CONNECTIONS}
    ) as store:
        # Two processes that make the tables at the same time: the second finds them made.
        await _patiently(store.setup, IntegrityError, "")
        yield store


async def _patiently(
    action: Callable[[], Awaitable[None]], passing: type[Exception], words: str
) -> None:
    """Do `action`, again while it fails as it does when another process is at the same."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BUSY_SECONDS
    while True:
        try:
            await action()
            return
        except passing as error:
            if words not in str(error) or loop.time() > deadline:
                raise
            await asyncio.sleep(0.05)
