"""Files of questions: JSON lines, plain or gzipped, in the layouts that the benchmarks publish."""

from __future__ import annotations

import gzip
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..episodes import Task

log = logging.getLogger(__name__)


def data_file(data: str | Path | None, folder: str, name: str) -> Path:
    """The file called `name` in `data` (or `data` itself, where it is a file), by default in
    `$SYMPOSIA_DATA/<folder>`.

    Raises:
        ValueError: there is no such file; the message says where it was looked for.
    """
    if data is None and not os.environ.get("SYMPOSIA_DATA"):
        raise ValueError(
            f"{folder} needs its data: pass data=FOLDER with {name}, or set SYMPOSIA_DATA to a "
            f"folder with {folder}/{name}"
        )
    place = Path(os.environ["SYMPOSIA_DATA"], folder) if data is None else Path(data)
    file = place if place.is_file() else place / name
    if not file.is_file():
        raise ValueError(f"no {name} in {place}: pass the folder that holds it as data=")
    return file


def read_tasks(
    file: Path, make: Callable[[int, dict[str, Any]], Task]
) -> tuple[list[Task], Counter[str]]:
    """The tasks in a file, and what was left out of it and why, with how many.

    Args:
        make: makes a task of a row and its place, from 0; it raises KeyError, TypeError or
            ValueError for a row that holds none.
    """
    tasks: list[Task] = []
    faults: Counter[str] = Counter()
    for number, line in enumerate(_lines(file)):
        try:
            tasks.append(make(number, json.loads(line)))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"
            log.warning("%s, line %d holds no question: %s", file, number + 1, reason)
            faults[f"{file.name}: no question in a line"] += 1
    return tasks, faults


def _lines(file: Path) -> Iterator[bytes]:
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        for line in stream:
            if line.strip():
                yield line
