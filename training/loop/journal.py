"""What a run leaves on disk, each piece whole or not at all.

    plan.json                     what was chosen; a run goes on only as it was begun
    episodes.db                   every episode, of collections and evaluations
    versions/POLICY/0003/         weights that others can load as they are
    iterations/0003/rows/*.npz    what each policy was trained on
    iterations/0003/*.json        what came of each arrow
    metrics.jsonl                 the curves

An arrow whose file is there is done; one that was cut off is done again from its start.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import load_examples, save_examples
from ..sample import Example


class Journal:
    """The folder of one run.

    Raises:
        ValueError: the folder holds a run that was begun otherwise; the message says how.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        wanted = json.loads(json.dumps(plan, default=str))
        self._noted = _mended(folder / "metrics.jsonl")
        held = self.read("plan")
        if held is None:
            self.write("plan", wanted)
            return
        differing = [key for key in {**held, **wanted} if held.get(key) != wanted.get(key)]
        if differing:
            changes = "; ".join(
                f"{key}: {held.get(key)!r} then, {wanted.get(key)!r} now" for key in differing
            )
            raise ValueError(
                f"{folder} holds a run that was begun otherwise ({changes}): "
                "go on as it was begun, or name another folder"
            )

    def read(self, name: str, iteration: int | None = None) -> Any:
        """What was written under a name; None if nothing was."""
        file = self._file(name, iteration)
        return json.loads(file.read_text()) if file.is_file() else None

    def write(self, name: str, value: Any, iteration: int | None = None) -> Any:
        """Write JSON, whole or not at all.

        Returns:
            The value as a run that goes on from here will read it.

        Raises:
            TypeError: it is not JSON.
        """
        file = self._file(name, iteration)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(value, indent=1).encode())
        return self.read(name, iteration)

    def version(self, policy: str, number: int) -> Path:
        """The folder of a version."""
        return self.folder / "versions" / policy / f"{number:04d}"

    def save_rows(self, iteration: int, policy: str, rows: Sequence[Example]) -> None:
        """Write what a policy is to be trained on."""
        file = self._rows(iteration, policy)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        save_examples(part, rows)
        part.replace(file)

    def rows(self, iteration: int, policy: str) -> list[Example]:
        """What a policy is to be trained on; nothing where nothing was written."""
        file = self._rows(iteration, policy)
        return load_examples(file) if file.is_file() else []

    def note(self, arrow: str, iteration: int, **measures: Any) -> None:
        """Add a line to the curves, unless an arrow that was cut off has written it before."""
        line = {"arrow": arrow, "iteration": iteration, **measures}
        if (about := _about(line)) in self._noted:
            return
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(line, default=float) + "\n")
        self._noted.add(about)

    def _file(self, name: str, iteration: int | None) -> Path:
        place = self.folder if iteration is None else self._at(iteration)
        return place / f"{name}.json"

    def _rows(self, iteration: int, policy: str) -> Path:
        return self._at(iteration) / "rows" / f"{policy}.npz"

    def _at(self, iteration: int) -> Path:
        return self.folder / "iterations" / f"{iteration:04d}"


def _about(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a line of the curves is about: there is one such line at most."""
    return line["arrow"], line["iteration"], line.get("policy")


def _mended(file: Path) -> set[tuple[Any, ...]]:
    """What the lines of the curves are about. A last line that is not whole is taken away."""
    if not file.is_file():
        return set()
    content = file.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        write_whole(file, whole)
    return {_about(json.loads(line)) for line in whole.splitlines()}


def write_whole(file: Path, content: bytes) -> None:
    """Write a file that appears under its name when all is written."""
    part = file.with_suffix(".part")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
