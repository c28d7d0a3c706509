"""ALFWorld: household tasks in text, on the engine and the games of the benchmark.

Shridhar et al., "ALFWorld: Aligning Text and Embodied Environments for Interactive Learning"
(ICLR 2021).

Success is reward 1 at the step that reaches the goal; everything else is reward 0.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from ...episodes import Observation, Task
from ..environment import Environment, TaskError
from ..settings import require_whole
from .engine import NOTHING, Engine, View
from .explain import explain
from .games import OFFICIAL_SPLITS, find_tasks, read_game, task_from_file
from .scenes import TRAINING_SEEDS, Size, generate_game, generate_scene, size_name

GENERATED_GAMES = 120
"""Games in the split `generated`, unless told otherwise: twenty of each task type."""

_PUT = re.compile(r"\s*(?:put|move) (\S{1,40} \d{1,4}) (?:in/on|in|on|to) (\S{1,40} \d{1,4})\s*")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of one task, to return to."""

    task_id: str
    history: tuple[tuple[int, int], ...]
    observation: Observation
    steps: int


class ALFWorld(Environment):
    """Household tasks of six types: find things, clean, heat or cool them, and put them somewhere.

    Args:
        data: the official games: the folder that `alfworld-download` filled, any folder of games, a
            `.tar.xz` of one, or a folder of such archives. Default: `$ALFWORLD_DATA`.
        size: of generated games: `small`, `medium`, `large`, or numbers such as `10x8`.
        games: how many games the split `generated` has.
        seed: the seed of the first generated game. Models train on seeds from `TRAINING_SEEDS` up,
            so evaluation uses the seeds below.
        max_steps: actions until a task ends without success.
        explain: also say why a command had no effect. Not part of the benchmark.

    Raises:
        ValueError: an unknown size, a number out of range, or generated games on both sides of
            `TRAINING_SEEDS`.

    Example:
        >>> environment = ALFWorld()
        >>> observation = environment.reset(environment.tasks("generated")[0])
        >>> observation = environment.step("go to desk 1")
    """

    name: ClassVar[str] = "alfworld"
    splits: ClassVar[tuple[str, ...]] = ("generated", *OFFICIAL_SPLITS, "games")
    worker_processes: ClassVar[bool] = True
    instructions: str = (
        "Interact with a household to solve a task, one command at a time: look; inventory; "
        "go to (receptacle); open (receptacle); close (receptacle); "
        "take (object) from (receptacle); "
        "move (object) to (receptacle), also written put (object) in/on (receptacle); "
        "examine (something); use (object); heat (object) with (receptacle); "
        "clean (object) with (receptacle); cool (object) with (receptacle); "
        "slice (object) with (object). Names carry their number: mug 1, shelf 2."
    )

    def __init__(
        self,
        *,
        data: str | Path | None = None,
        size: Size = "medium",
        games: int | None = None,
        seed: int = 0,
        max_steps: int = 50,
        explain: bool = False,
    ) -> None:
        games = GENERATED_GAMES if games is None else games
        require_whole("games", games, least=1)
        require_whole("seed", seed)
        require_whole("max_steps", max_steps, least=1)
        self.max_steps = max_steps
        self._data = data
        self._size = size_name(size)
        self._seeds = range(seed, seed + games)
        self._explain = explain
        self._engine: Engine | None = None
        self._task: Task | None = None
        if seed < TRAINING_SEEDS < self._seeds.stop:
            raise ValueError(f"seeds {seed} to {self._seeds.stop - 1} mix evaluation and training")

    @property
    def options(self) -> dict[str, Any]:
        return {
            "data": None if self._data is None else str(self._data),
            "size": self._size,
            "games": len(self._seeds),
            "seed": self._seeds.start,
            "max_steps": self.max_steps,
            "explain": self._explain,
        }

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a worker process takes over: the settings, and no running game."""
        return self.__dict__ | {"_engine": None, "_task": None}

    @property
    def default_split(self) -> str:
        """Generated games, or the official validation games of whoever names data."""
        return "generated" if self._data is None else "valid_seen"

    def tasks(self, split: str = "generated") -> Sequence[Task]:
        """The tasks of a split; `games` means every game found in `data`.

        Raises:
            ValueError: the split is unknown, or its games are missing; the message says what to do.
        """
        self.require_split(split)
        if split != "generated":
            return find_tasks(self._data, split)
        return [self._generated(seed) for seed in self._seeds]

    @staticmethod
    def task_from_file(path: str | Path) -> Task:
        """The task of one `game.tw-pddl` file.

        Raises:
            TaskError: it is missing, damaged or not a game; the message names it.
        """
        return task_from_file(path)

    def fork(self) -> Self:
        return copy.copy(self)

    def reset(self, task: Task) -> Observation:
        engine = self._engine = self._engine or Engine()
        loaded, self._task = self._task, None
        with _faults_of(task):
            if loaded != task:
                engine.load(self._game(task))
            view = engine.reset()
        self._task, self._steps = task, 0
        return self._observe(view, valid=True)

    def step(self, action: str) -> Observation:
        (engine, task), last = self._playing(), self._last
        if last.done:
            return replace(last, text=NOTHING, reward=0.0)
        command = action.strip()
        put = _PUT.fullmatch(command)
        if put and command not in last.admissible:
            command = engine.put_template.replace("{o}", put[1]).replace("{r}", put[2])
        valid = command in last.admissible
        with _faults_of(task):
            view = engine.step(command)
        self._steps += 1
        if self._explain and not valid:
            view = replace(view, text=f"{NOTHING} {explain(command, engine)}")
        return self._observe(view, valid)

    def snapshot(self) -> Snapshot:
        engine, task = self._playing()
        return Snapshot(task.id, engine.history, self._last, self._steps)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Return to a snapshot of the task that is set up now.

        Raises:
            ValueError: the snapshot is of another task.
        """
        engine, task = self._playing()
        if snapshot.task_id != task.id:
            raise ValueError(f"a snapshot of {snapshot.task_id} cannot continue {task.id}")
        engine.replay(snapshot.history, snapshot.observation.text)
        self._last, self._steps = snapshot.observation, snapshot.steps
        return self._last

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = self._task = None

    def _playing(self) -> tuple[Engine, Task]:
        if self._engine is None or self._task is None:
            raise RuntimeError("no task is set up: call reset first")
        return self._engine, self._task

    def _observe(self, view: View, valid: bool) -> Observation:
        info: dict[str, Any] = {"won": view.won, "steps": self._steps, "valid": valid}
        done = view.won or self._steps >= self.max_steps
        if done:
            info["stop"] = "solved" if view.won else "step limit"
        self._last = Observation(view.text, view.commands, float(view.won), done, info)
        return self._last

    def _generated(self, seed: int) -> Task:
        scene = generate_scene(seed, size=self._size)
        return Task(
            id=f"alfworld:generated/{self._size}/{seed}",
            prompt=f"{scene.sentence}.",
            kind=scene.task_type,
            data={"seed": seed, "size": self._size},
        )

    def _game(self, task: Task) -> dict[str, Any]:
        if "seed" in task.data:
            return generate_game(task.data["seed"], size=task.data["size"])
        if "file" not in task.data:
            raise TaskError(f"{task.id}: its data names neither a seed nor a game file")
        return read_game(task.data)


@contextmanager
def _faults_of(task: Task) -> Iterator[None]:
    """Turn what a damaged game causes in the engine into an error that names the game."""
    try:
        yield
    except (TaskError, ImportError):
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise TaskError(f"{task.data.get('file', task.id)} cannot be played: {reason}") from error
