"""HumanEval: complete a function (Chen et al., "Evaluating Large Language Models Trained on Code",
2021).

An answer may be the whole function or, as officially, the text that goes on after the prompt. The
tests are the official `check`. Attempts give the unbiased pass@k; see `docs/comparing-teams.md`.

Example:
    "def has_close_elements(numbers: List[float], threshold: float) -> bool: ..." -> the function
"""

from __future__ import annotations

import ast
from typing import Any

from ...episodes import Task
from .code import Published, Tests


class HumanEval(Published):
    """HumanEval: 164 functions to complete, graded by hidden tests in the sandbox.

    Args:
        data: the folder with `HumanEval.jsonl.gz`, or the file; by default
            `$SYMPOSIA_DATA/humaneval`.
    """

    name = "humaneval"
    splits = ("test",)
    folder = "humaneval"
    file = "HumanEval.jsonl.gz"

    def question(self, row: dict[str, Any]) -> Task:
        prompt, entry, test = row["prompt"], row["entry_point"], row["test"]
        if not str(entry).isidentifier():
            raise ValueError(f"the entry point {entry!r} is no name")
        return Task(
            f"humaneval:{row['task_id'].rpartition('/')[2]}",
            f"Complete this Python function. Your answer is the code.\n\n{prompt}",
            data={"prompt": prompt, "entry_point": entry},
            reference=test,
        )

    def program(self, task: Task, code: str) -> str:
        prompt, entry = task.data["prompt"], task.data["entry_point"]
        if not _defines(code, entry):
            return f"{prompt}{_indentation(prompt, code)}{code}"
        before = prompt.partition(f"def {entry}(")[0]
        return f"{before}\n{code}"

    def tests(self, task: Task) -> Tests:
        return Tests(task.reference, task.data["entry_point"])


def _indentation(prompt: str, code: str) -> str:
    """What the first line of a continuation lost, since answers come with their ends trimmed."""
    last = prompt.rstrip().rpartition("\n")[2]
    return "" if code[0].isspace() else last[: len(last) - len(last.lstrip())]


def _defines(code: str, name: str) -> bool:
    """Whether `code` is Python that defines a function called `name` by itself."""
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(each, functions) and each.name == name for each in statements)
