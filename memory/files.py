"""Memories as JSON lines: a record a line, with its seal.

Who reads such a file need not believe it. A line's record comes in as it is only where its seal
holds under this store's key, in this namespace; else its provenance is not taken over: it is
written by who imports it, not trusted, and quarantined until somebody has looked at it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from .audit import AuditEntry
from .sealing import Stored, claimed
from .shelf import Change, Shelf
from .vectors import Embedder
from .writer import Draft, Writer

LONGEST_LINE = 16 * 2**20
"""Characters of a line, at most."""
AT_ONCE = 500
"""Records that come in together."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    trusted: int
    """Records whose seals hold: taken over as they are."""
    quarantined: int
    """Records without a valid seal."""
    skipped: int
    """Records whose keys are held already; these stay as they are."""


def lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines, with their line numbers.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is no JSON object.
    """
    with path.open(encoding="utf-8", errors="strict") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise ValueError(f"{path}:{number}: a line of more than {LONGEST_LINE} characters")
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{path}:{number}: no JSON: {error}") from error
            if not isinstance(value, dict):
                raise ValueError(
                    f"{path}:{number}: a record is a JSON object, not {line.strip()[:40]!r}"
                )
            yield number, value


async def export(shelf: Shelf, path: Path) -> int:
    """Write all records of a namespace, and return how many; the file is there whole or not."""
    values = await shelf.values()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    with draft.open("w", encoding="utf-8") as file:
        for key, value in values:
            line = {"namespace": list(shelf.namespace), "key": key, **value}
            file.write(json.dumps(line) + "\n")
    draft.replace(path)
    return len(values)


async def bring_in(
    shelf: Shelf,
    path: Path,
    writer: Writer,
    embedder: Embedder,
    note: Callable[[str, str], AuditEntry],
) -> Imported:
    """Take the records of a file in; see the module. Records before a line that is refused stay.

    Args:
        shelf: where they go.
        path: the file.
        writer: writes those that are not believed.
        embedder: makes the vectors that other embeddings made anew.
        note: what the audit says of a key, and of how it came in.

    Raises:
        ValueError: a line is no record; the message names it.
    """
    counts = dict.fromkeys(("trusted", "quarantined", "skipped"), 0)
    rows = lines(path)
    while part := list(islice(rows, AT_ONCE)):
        believed, doubted = [], []
        for number, value in part:
            stored = shelf.opened(str(value.get("key", "")), value)
            if stored.sealed:
                believed.append(stored)
            else:
                with _naming(path, number):
                    doubted.append(writer.checked(_draft(value)))
        reason = f"imported from {path.name}, without a seal that holds here"
        coming = {stored.record.key: stored for stored in await embedder.complete(believed)}
        for stored in await writer.embedded(doubted):
            record = replace(stored.record, status="quarantined", reason=reason)
            coming.setdefault(record.key, replace(stored, record=record))
        trusted = {stored.record.key for stored in believed}
        kinds = {key: "trusted" if key in trusted else "quarantined" for key in coming}
        changes = [
            Change(key, _unless_held(stored), note(key, kinds[key]))
            for key, stored in coming.items()
        ]
        written = await shelf.commit(changes)
        counts["skipped"] += len(part) - len(coming)
        for (key, stored), result in zip(coming.items(), written, strict=True):
            counts[kinds[key] if result is stored else "skipped"] += 1
    return Imported(**counts)


def _unless_held(new: Stored) -> Callable[[Stored | None], Stored]:
    return lambda old: new if old is None else old


def _draft(value: dict[str, Any]) -> Draft:
    text, action, data = claimed(value)
    key = value.get("key")
    return Draft(text, action, data, key=key if isinstance(key, str) else None)


@contextmanager
def _naming(path: Path, number: int) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}:{number}: {error}") from error
