"""Mathematics with official data: GSM8K, MATH-500 and AIME, graded by equality of the answer."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from ...episodes import Task
from ..rows import data_file, read_tasks
from .equality import require_math_verify, same_answer
from .questions import Grade, Questions


class Mathematics(Questions):
    """Problems with one answer, in a file of JSON lines.

    Args:
        data: the folder with the benchmark's files, or one file; by default
            `$SYMPOSIA_DATA/<folder>`.

    Raises:
        ImportError: math-verify is not installed.
    """

    worker_processes = True
    folder: ClassVar[str]
    """Where the files lie in `$SYMPOSIA_DATA`."""
    files: ClassVar[dict[str, str]]
    """Split to file."""
    form: ClassVar[str]
    """What an answer is, told with every question."""

    def __init__(self, *, data: str | Path | None = None) -> None:
        super().__init__()
        require_math_verify()
        self._data = data
        self.faults: Counter[str] = Counter()
        """What was left out of the data and why, with how many."""

    @property
    def options(self) -> dict[str, Any]:
        return {"data": None if self._data is None else str(self._data)}

    @staticmethod
    @abstractmethod
    def problem(row: dict[str, Any]) -> tuple[str, str, str]:
        """The question of a row, its kind, and its answer in LaTeX."""

    def tasks(self, split: str) -> Sequence[Task]:
        """The problems of a split, in the file's order.

        Raises:
            ValueError: the split is unknown, or its file is not there.
        """
        self.require_split(split)
        file = data_file(self._data, self.folder, self.files[split])

        def make(number: int, row: dict[str, Any]) -> Task:
            question, kind, answer = self.problem(row)
            if not question or not answer:
                raise ValueError("the question or its answer is empty")
            prompt = f"{question.strip()}\n\n{self.form}"
            return Task(f"{self.name}:{split}/{number}", prompt, kind, reference=answer)

        tasks, self.faults = read_tasks(file, make)
        return tasks

    def grade(self, task: Task, answer: str) -> Grade:
        return Grade(float(same_answer(answer, task.reference)))


class GSM8K(Mathematics):
    """Word problems of grade school (Cobbe et al., "Training Verifiers to Solve Math Word
    Problems", 2021). A kind is the number of calculations in the official solution.

    Example:
        "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts in
        total does it take?" -> 3
    """

    name = "gsm8k"
    splits = ("test", "train")
    folder = "gsm8k"
    files = {"test": "test.jsonl", "train": "train.jsonl"}
    form = "Your answer is one number."

    @staticmethod
    def problem(row: dict[str, Any]) -> tuple[str, str, str]:
        solution, mark, answer = row["answer"].rpartition("####")
        if not mark:
            raise ValueError("the answer has no ####")
        return row["question"], f"{solution.count('<<')} steps", answer.strip().replace(",", "")


class Math500(Mathematics):
    """500 problems of MATH (Hendrycks et al., 2021), chosen by Lightman et al., "Let's Verify Step
    by Step" (2023). A kind is the subject.

    Example:
        "Evaluate $\\log_2 (4^2)$." -> 4
    """

    name = "math500"
    splits = ("test",)
    folder = "math500"
    files = {"test": "test.jsonl"}
    form = "Your answer is a number or a formula in LaTeX."

    @staticmethod
    def problem(row: dict[str, Any]) -> tuple[str, str, str]:
        return row["problem"], row["subject"], row["answer"]


class AIME(Mathematics):
    """The American Invitational Mathematics Examination of 2024: answers are whole numbers from 0
    to 999.

    Example:
        "Find the number of ... " -> 204
    """

    name = "aime"
    splits = ("2024",)
    folder = "math_small"
    files = {"2024": "aime24.jsonl"}
    form = "Your answer is a whole number from 0 to 999."

    @staticmethod
    def problem(row: dict[str, Any]) -> tuple[str, str, str]:
        return row["problem"], "", str(int(row["answer"]))
