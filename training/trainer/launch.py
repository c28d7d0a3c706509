"""An update as a job in a folder, for processes of its own: several, or on other devices.

    torchrun --nproc-per-node 2 -m symposia.training.trainer.launch JOB

A job holds all that decides the result: `job.pickle` and `rows.npz` go in, `measures.json` comes
out beside the new version, or `error.json` with what was wrong. `Launched` writes and starts it.
"""

from __future__ import annotations

import json
import os
import pickle
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from ..files import load_examples, save_examples
from ..sample import Example
from .learner import Learner
from .objectives import Objective
from .policy import LoRA, Policy
from .settings import UpdateSettings
from .trainer import MismatchError

ERRORS = {kind.__name__: kind for kind in (MismatchError, ValueError, OSError)}
"""What a job may end with and is raised again where it was launched."""
ENVIRONMENT = {"RANK": "0", "WORLD_SIZE": "1"}
"""What launchers tell their processes, and what holds where there is none."""
SHOWN = 2000
"""Characters of a failed job's output that an error shows."""


@dataclass(frozen=True, slots=True)
class Job:
    """One update of one policy: see `Learner.update`."""

    base: Path
    lora: LoRA | None
    start: Path
    examples: Sequence[Example]
    objective: Objective
    out: Path
    seed: int = 0
    settings: UpdateSettings = field(default_factory=UpdateSettings)
    reference: Path | None = None


class Updater(Protocol):
    """Makes updates, wherever it does."""

    def __call__(self, job: Job) -> dict[str, float]:
        """Write the next version to `job.out`, whole or not at all, and return measures."""
        ...


@dataclass(slots=True)
class InProcess:
    """Updates here. One model stays in memory and takes on the versions of all policies."""

    _learner: Learner | None = None

    def __call__(self, job: Job) -> dict[str, float]:
        learner = self._learner
        if learner is None or (learner.policy.base, learner.policy.lora) != (job.base, job.lora):
            policy = Policy(job.base, job.lora, job.settings.device)
            learner = self._learner = Learner(policy, job.settings)
        return learner.update(
            job.start,
            job.examples,
            job.objective,
            job.out,
            seed=job.seed,
            settings=job.settings,
            reference=job.reference,
        )


@dataclass(frozen=True, slots=True)
class Launched:
    """Updates in processes that a launcher starts; measures say how many `processes` there were.

    Args:
        command: the launcher with its options: `torchrun --nproc-per-node 2`, or `accelerate launch
            --num_processes 2` on GPUs (with `--cpu` that starts one process, whatever it is told).
    """

    command: str

    def __call__(self, job: Job) -> dict[str, float]:
        """
        Raises:
            RuntimeError: the launcher or a process failed; the message has the end of its output.
        """
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            save_examples(folder / "rows.npz", job.examples)
            whole = replace(
                job,
                examples=(),
                base=job.base.resolve(),
                start=job.start.resolve(),
                out=job.out.resolve(),
                reference=job.reference and job.reference.resolve(),
            )
            (folder / "job.pickle").write_bytes(pickle.dumps(whole))
            command = [*shlex.split(self.command), "-m", __name__, name]
            ended = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            if (error := folder / "error.json").is_file():
                kind, message = json.loads(error.read_text())
                raise ERRORS[kind](message)
            if ended.returncode or not (folder / "measures.json").is_file():
                raise RuntimeError(
                    f"{shlex.join(command[:-1])} ended with {ended.returncode}: "
                    f"{ended.stdout[-SHOWN:].strip()}"
                )
            measures: dict[str, float] = json.loads((folder / "measures.json").read_text())
            return measures


def run(folder: Path) -> None:
    """One process of a job."""
    job: Job = pickle.loads((folder / "job.pickle").read_bytes())
    job = replace(job, examples=load_examples(folder / "rows.npz"))
    rank, processes = (int(os.environ.get(name, at)) for name, at in ENVIRONMENT.items())
    try:
        measures = InProcess()(job)
    except (ValueError, OSError) as error:
        if rank == 0:
            kind = next(name for name, known in ERRORS.items() if isinstance(error, known))
            (folder / "error.json").write_text(json.dumps([kind, str(error)]))
        raise
    if rank == 0:
        (folder / "measures.json").write_text(json.dumps(measures | {"processes": processes}))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
