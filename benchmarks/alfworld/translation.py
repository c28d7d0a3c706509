"""From PDDL to the planner's SAS format, once per game instead of at every load.

A translation is kept on disk under the hash of its source. The folder is bounded, files are written
atomically, and a damaged file is translated anew.
"""

from __future__ import annotations

import gc
import gzip
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..cache import cache_folder
from .grounding import faster_grounding

CACHE_BYTES = 512 * 2**20
"""Most that the translations on disk may take; the least recently used go first."""
_PRUNE_EVERY = 200
_FORMAT = 1


@dataclass(frozen=True)
class Translation:
    """A game as the planner library loads it, and what of the PDDL the text needs."""

    sas: str
    """The planning task in SAS format."""
    actions: dict[str, list[list[str]]]
    """For each action its parameters, each as [name, type]."""
    types: dict[str, list[str]]
    """For each type its direct supertypes."""
    objects: dict[str, str]
    """For each object its type."""
    facts: list[list[str]]
    """What holds at the start, each as [predicate, argument, ...]."""
    fluents: list[str]
    """The predicates that an action can change."""


def translate(domain: str, problem: str, *, cache: Path | None = None) -> Translation:
    """Translate a game, or read the translation cached in `cache` (default: `cache_folder`).

    Raises:
        ValueError: the domain or the problem is not valid PDDL.
    """
    folder = (cache or cache_folder()) / "alfworld" / "translations"
    key = hashlib.sha256(json.dumps([_FORMAT, domain, problem]).encode()).hexdigest()
    path = folder / f"{key}.json.gz"
    found = _read(path)
    if found is None:
        found = _translate(domain, problem)
        _write(path, found)
    return found


def translate_for_search(domain: str, problem: str) -> str:
    """The smaller SAS task that the planner searches in; only plans need it."""
    return str(_pddl_to_sas(domain, problem, optimize=True)[1])


def _translate(domain: str, problem: str) -> Translation:
    task, sas = _pddl_to_sas(domain, problem, optimize=False)
    return Translation(
        sas=sas,
        actions={
            action.name: [[place.name.strip("?"), place.type_name] for place in action.parameters]
            for action in task.actions
        },
        types=_first_of_each((kind.name, list(kind.supertype_names)) for kind in task.types),
        objects={thing.name: thing.type_name for thing in task.objects},
        facts=[fact for atom in task.init if (fact := _initial_fact(atom))],
        fluents=sorted(
            {effect.literal.predicate for action in task.actions for effect in action.effects}
            | {axiom.name for axiom in task.axioms}
        ),
    )


def _first_of_each(pairs: Iterable[tuple[str, list[str]]]) -> dict[str, list[str]]:
    """A dict in which the first of several equal keys counts (`object` is declared twice)."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def _initial_fact(atom: Any) -> list[str] | None:
    if hasattr(atom, "predicate"):
        return None if atom.predicate == "=" else [atom.predicate, *atom.args]
    value = str(atom.expression.value)
    if atom.fluent.symbol == "total-cost" or value.isdigit():
        return None
    return [value, *atom.fluent.args]


def _pddl_to_sas(domain: str, problem: str, *, optimize: bool) -> tuple[Any, str]:
    import fast_downward

    with _undisturbed(), faster_grounding():
        try:
            task, sas = fast_downward.pddl2sas(domain, problem, optimize=optimize)
        except (Exception, SystemExit) as error:
            raise ValueError(f"not valid PDDL: {type(error).__name__}: {error}") from error
    return task, sas


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Give back what the translator overwrites, and spare it the garbage collector's pauses."""
    arguments, stdout, collecting = sys.argv, sys.stdout, gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        sys.argv, sys.stdout = arguments, stdout
        if collecting:
            gc.enable()


def _read(path: Path) -> Translation | None:
    try:
        found = Translation(**json.loads(gzip.decompress(path.read_bytes())))
    except (OSError, EOFError, ValueError, TypeError):
        return None
    with suppress(OSError):
        os.utime(path)
    return found


def _write(path: Path, translation: Translation) -> None:
    """Keep a translation if the disk allows; without a cache everything works, only slower."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(gzip.compress(json.dumps(asdict(translation)).encode(), 1, mtime=0))
            os.replace(draft, path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        if int(path.name[:8], 16) % _PRUNE_EVERY == 0:
            prune(path.parent, CACHE_BYTES)


def prune(folder: Path, limit: int) -> None:
    """Delete the least recently used files until the folder holds at most `limit` bytes."""
    files = []
    for path in folder.iterdir():
        with suppress(OSError):
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit:
            break
        path.unlink(missing_ok=True)
        total -= size
