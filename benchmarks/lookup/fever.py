"""FEVER: is a claim supported, refuted, or neither (Thorne et al., NAACL 2018), as in ReAct."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...episodes import Task
from ..rows import data_file, read_tasks
from .encyclopedia import Encyclopedia
from .published import Published

FILE = "paper_dev.jsonl"
LABELS = ("SUPPORTS", "REFUTES", "NOT ENOUGH INFO")


class Fever(Published):
    """FEVER: claims to support or refute with an encyclopedia. A kind is the label.

    Args:
        corpus: a file that `Corpus.build` wrote, with titles (Wikipedia's), to search in.
        data: the folder with `paper_dev.jsonl`, or the file; by default `$SYMPOSIA_DATA/fever`.
        max_steps: actions until a task ends without an answer; 5 in ReAct.

    Raises:
        ValueError: no corpus is given.

    Example:
        "Fox 2000 Pictures released the film Soul Food." -> SUPPORTS
    """

    name = "fever"
    splits = ("dev",)
    instructions = (
        f"{Published.instructions} Answer SUPPORTS if the claim is true, REFUTES if it is false, "
        "and NOT ENOUGH INFO if that cannot be told."
    )

    def __init__(
        self,
        *,
        corpus: str | Path | None = None,
        data: str | Path | None = None,
        max_steps: int = 5,
    ) -> None:
        super().__init__(data=data, corpus=corpus, max_steps=max_steps)
        if corpus is None:
            raise ValueError(
                "fever needs pages to search in: pass corpus=FILE, built from Wikipedia's pages "
                "(see docs/looking-up.md)"
            )
        self._encyclopedia = Encyclopedia(corpus)

    def tasks(self, split: str = "dev") -> Sequence[Task]:
        """The claims, in the file's order.

        Raises:
            ValueError: the split is unknown, or there is no file.
        """
        self.require_split(split)

        def make(number: int, row: dict[str, Any]) -> Task:
            claim, label = row["claim"], row["label"]
            if not claim or label not in LABELS:
                raise ValueError(f"no claim, or the label {label!r} is unknown")
            identity = f"fever:{row.get('id', number)}"
            return Task(identity, f"Claim: {claim}", label.lower(), reference=label)

        tasks, self.faults = read_tasks(data_file(self._data, "fever", FILE), make)
        return tasks

    def encyclopedia(self) -> Encyclopedia:
        return self._encyclopedia

    def grade(self, task: Task, answer: str) -> tuple[float, dict[str, Any]]:
        label = read_label(answer)
        return float(label == task.reference), {"label": label}


def read_label(answer: str) -> str | None:
    """The label that an answer is, whatever its case and punctuation; None where it is none."""
    said = " ".join(answer.replace("_", " ").strip(" .!\"'").upper().split())
    return said if said in LABELS else None
