"""A run in TensorBoard."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .history import History, Iteration

FOLDER = "tensorboard"


class Board:
    """Writes the curves of a run to `FOLDER/tensorboard`, from the start each time it is opened.

    Args:
        folder: of the run.

    Raises:
        ImportError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError(
                f'curves for TensorBoard need {error.name}: pip install "symposia[train]"'
            ) from error
        for old in (folder / FOLDER).glob("events.out.tfevents.*"):
            old.unlink()
        self._writer: Any = SummaryWriter(str(folder / FOLDER))
        self._known: dict[int, Iteration] = {}

    def show(self, history: History) -> None:
        """Write what is new."""
        for each in history.iterations:
            if self._known.get(each.number) != each:
                self._write(each, self._known.get(each.number, Iteration(each.number)))
                self._known[each.number] = each
        self._writer.flush()

    def _write(self, new: Iteration, old: Iteration) -> None:
        written = _scalars(old)
        for name, value in _scalars(new).items():
            if name not in written:
                self._writer.add_scalar(name, value, new.number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()


def _scalars(each: Iteration) -> dict[str, float]:
    found = {"score/played": each.collected, "score/test": each.tested}
    found |= {f"rows/{policy}": count for policy, count in (each.rows or {}).items()}
    for policy, measures in (each.updates or {}).items():
        found |= {f"{policy}/{name}": value for name, value in measures.items()}
    return {name: float(value) for name, value in found.items() if value is not None}
