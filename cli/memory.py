"""`symposia memory`: what agents remember, looked at and looked after."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from .console import console, plain_errors, visible
from .memory_review import must_hold, review

if TYPE_CHECKING:
    from ..memory import Memory, MemoryRecord, MemoryStore
memory = typer.Typer(
    help="See, search, move and forget what agents remember.", no_args_is_help=True
)

Where = Annotated[str, typer.Argument(help="Whose memory: TEAM/AGENT, TEAM, or shared.")]
Store = Annotated[
    str,
    typer.Option(
        "--store", help="An SQLite file, a folder with memory.db, or a postgresql:// address."
    ),
]
By = Annotated[str | None, typer.Option(help="Who the audit says did it; else you.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
PLACE = "memory.db"
SHOWN = 60
"""Characters of a text in a table."""
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@memory.command("list", epilog="Example: `symposia memory list team/solver --status quarantined`")
def list_records(
    namespace: Annotated[
        str | None, typer.Argument(help="Whose memory; without it, which memories there are.")
    ] = None,
    store: Store = PLACE,
    status: Annotated[
        str | None, typer.Option(help="active, quarantined or retired; else all.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List memories, or the records of one."""
    from typing import get_args

    from ..memory import Status

    async def work(opened: MemoryStore) -> None:
        if namespace is None:
            await _list_memories(opened, as_json)
            return
        if status is not None and status not in get_args(Status):
            raise ValueError(f"no status {status!r}; there are: {', '.join(get_args(Status))}")
        held = await (await _memory(opened, namespace)).records()
        chosen = [one for one in held if status in (None, one.status)][-limit:]
        if as_json:
            print(json.dumps([_plain(record) for record in chosen]))
            return
        _show_records(chosen)

    _run(store, work)


@memory.command(epilog="Example: `symposia memory search team/solver 'where are mugs?' -k 3`")
def search(
    namespace: Where,
    query: str,
    store: Store = PLACE,
    k: Annotated[int, typer.Option("-k", min=1, help="Records, at most.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Find active records by words."""

    async def work(opened: MemoryStore) -> None:
        found = await (await _memory(opened, namespace)).search(query, k=k)
        if as_json:
            print(json.dumps([{**_plain(one.record), "score": one.score} for one in found]))
            return
        _show_records([one.record for one in found])

    _run(store, work)


@memory.command(epilog="Example: `symposia memory show team/solver 3ccca7f4cfdc06951bc04051`")
def show(namespace: Where, key: str, store: Store = PLACE, as_json: AsJson = False) -> None:
    """Show one record: what it says, where it came from, and what was done to it."""

    async def work(opened: MemoryStore) -> None:
        chosen = await _memory(opened, namespace)
        record = await chosen.get(key)
        if record is None:
            raise KeyError(f"no record {key!r} in {namespace}; see `symposia memory list`")
        audit = [entry for entry in await chosen.audit() if entry.key == key]
        if as_json:
            print(json.dumps({**_plain(record), "audit": [asdict(entry) for entry in audit]}))
            return
        _show_record(record)
        for entry in audit:
            told = f"{_time(entry.time)} {entry.deed} {entry.status} by {entry.by}: {entry.reason}"
            console.print(visible(told if entry.sealed else f"{told} (not sealed)"))

    _run(store, work)


@memory.command(epilog="Example: `symposia memory export team/solver solver.jsonl`")
def export(namespace: Where, path: Path, store: Store = PLACE, as_json: AsJson = False) -> None:
    """Write a memory to a file of JSON lines, with its seals."""

    async def work(opened: MemoryStore) -> None:
        count = await (await _memory(opened, namespace)).export(path)
        print(json.dumps({"records": count})) if as_json else console.print(
            f"{count} records in {path}"
        )

    _run(store, work)


@memory.command("import", epilog="Example: `symposia memory import team/solver solver.jsonl`")
def bring_in(
    namespace: Where,
    path: Path,
    store: Store = PLACE,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take in a file of JSON lines. What has no valid seal is quarantined, and not trusted."""

    async def work(opened: MemoryStore) -> None:
        memory = opened.memory(*namespace.split("/"))
        done = await memory.bring_in(path, by=by or getuser())
        if as_json:
            print(json.dumps(asdict(done)))
            return
        console.print(
            f"{done.trusted} records with valid seals, {done.quarantined} quarantined, "
            f"{done.skipped} skipped: their keys are held already"
        )

    _run(store, work, create=True)


@memory.command(
    epilog="Example: `symposia memory forget team/solver --older-than 30d --keep 10000 --dry-run`"
)
def forget(
    namespace: Where,
    key: Annotated[list[str] | None, typer.Argument(help="Records to forget.")] = None,
    store: Store = PLACE,
    older_than: Annotated[
        str | None, typer.Option(help="Forget what is older: 90s, 10m, 12h, 30d, 8w.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=0, help="Keep so many, the most useful; forget the others.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the audit of named records.")] = "",
    by: By = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget records by key, by age, or the least useful of many. The audit keeps their keys."""
    from ..memory import Retention

    async def work(opened: MemoryStore) -> None:
        if bool(key) == (older_than is not None or keep is not None):
            raise ValueError("say what to forget: keys, or `--older-than` and `--keep`")
        chosen = await _memory(opened, namespace)
        who = by or getuser()
        if key:
            held = {record.key for record in await chosen.records()}
            missing = [one for one in key if one not in held]
            if missing:
                raise KeyError(f"no record {missing[0]!r} in {namespace}")
            gone = dict.fromkeys(key, reason)
            if not dry_run:
                for one in key:
                    await chosen.delete(one, reason=reason, by=who)
        else:
            limits = Retention(None if older_than is None else _seconds(older_than), keep)
            if dry_run:
                now = datetime.now(UTC).timestamp()
                gone = limits.forgotten(await chosen.records(), now)
            else:
                gone = await chosen.forget(limits, by=who)
        if as_json:
            print(json.dumps(gone))
            return
        for name, why in gone.items():
            console.print(visible(f"{name}: {why}"))
        console.print(f"{len(gone)} records {'would be forgotten' if dry_run else 'forgotten'}")

    _run(store, work)


memory.command(
    epilog="Examples: `symposia memory review team/solver` · "
    "`symposia memory review team/solver --reject KEY --reason planted --json`"
)(review)


def _run(store: str, work: Callable[[MemoryStore], Awaitable[None]], create: bool = False) -> None:
    """Do `work` with the store opened."""

    async def opened() -> None:
        from ..memory import MemoryStore

        async with MemoryStore.open(store, create=create) as memories:
            await work(memories)

    with plain_errors():
        asyncio.run(opened())


async def _memory(store: MemoryStore, namespace: str) -> Memory:
    await must_hold(store, namespace)
    return store.memory(*namespace.split("/"))


async def _list_memories(store: MemoryStore, as_json: bool) -> None:
    counts = {
        "/".join(namespace): len(await store.memory(*namespace).records())
        for namespace in await store.namespaces()
    }
    if as_json:
        print(json.dumps(counts))
        return
    table = Table("memory", "records")
    for name, count in counts.items():
        table.add_row(visible(name), str(count))
    console.print(table)


def _show_records(records: list[MemoryRecord]) -> None:
    table = Table()
    for name in ("key", "status", "writer", "trust", "written", "text"):
        table.add_column(name, overflow="fold", no_wrap=name == "key")
    for record in records:
        origin = record.provenance
        text = " ".join(record.text[: SHOWN + 1].split())
        table.add_row(
            record.key,
            record.status,
            visible(origin.writer),
            f"{origin.trust:g}",
            _time(origin.time),
            visible(text if len(record.text) <= SHOWN else f"{text}..."),
        )
    console.print(table)


def _show_record(record: MemoryRecord) -> None:
    for name, value in _plain(record).items():
        if name == "provenance":
            value = ", ".join(f"{n} {v}" for n, v in value.items() if v not in ("", None))
        elif name in ("uses", "data"):
            value = json.dumps(value)
        if value:
            console.print(visible(f"{name}: {value}"))


def _plain(record: MemoryRecord) -> dict[str, Any]:
    return {**asdict(record), "uses": sorted(record.uses)}


def _time(seconds: float) -> str:
    if not seconds:
        return "unknown"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _seconds(age: str) -> float:
    found = _AGE.fullmatch(age)
    if found is None:
        raise ValueError(f"no age {age!r}; write a number and a unit: 90s, 10m, 12h, 30d, 8w")
    return float(found[1]) * _SECONDS[found[2]]
