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
from typing import Any, ClassVar, Self, get_args

from ...episodes import Observation, Task
from ..environment import Environment, TaskError
from ..settings import require_whole
from .engine import NOTHING, Engine, View
from .experts import EXPERTS, Expert, make_expert
from .explain import explain
from .games import OFFICIAL_SPLITS, find_tasks, read_game, task_from_file
from .prompts import THINKS, THOUGHT, Style, made_examples, official_examples, read_prompts, trim
from .scenes import TASK_TYPES, TRAINING_SEEDS, Size, generate_game, generate_scene, size_name
from .wording import Wording, reword

GENERATED_GAMES = 120
"""Games in the split `generated`, unless told otherwise: twenty of each task type."""

_WORDINGS = {
    "put": "put (object) in/on (receptacle)",
    "move": "move (object) to (receptacle)",
}
_BOTH = f"{_WORDINGS['move']}, also written {_WORDINGS['put']}"
_PUT = re.compile(r"\s*(?:put|move) (\S{1,40} \d{1,4}) (?:in/on|in|on|to) (\S{1,40} \d{1,4})\s*")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of one task, to return to."""

    task_id: str
    history: tuple[tuple[int, int], ...]
    observation: Observation
    steps: int
    expert: Expert | None
    """What the expert knew, where one advises."""


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
        wording: `put` or `move`: show commands and answers so, whichever the game says. Either is
            always understood. None: as the game has it.
        prompt: `plain`, the commands alone; `act` or `react`, with examples of the task's type.
        prompts: ReAct's file of examples, `alfworld_3prompts.json`. None: examples of our own.
        expert: `handcoded`, `planner` or `search`: also tell, in the observations' `info`, what
            that expert would do.

    Raises:
        ValueError: an unknown size, wording, prompt or expert, a number out of range, a file of
            prompts that cannot be used, or generated games on both sides of `TRAINING_SEEDS`.

    Example:
        >>> environment = ALFWorld()
        >>> observation = environment.reset(environment.tasks("generated")[0])
        >>> observation = environment.step("go to desk 1")
    """

    name: ClassVar[str] = "alfworld"
    splits: ClassVar[tuple[str, ...]] = ("generated", *OFFICIAL_SPLITS, "games")
    experts: ClassVar[tuple[str, ...]] = EXPERTS
    worker_processes: ClassVar[bool] = True
    instructions: str = (
        "Interact with a household to solve a task, one command at a time: look; inventory; "
        "go to (receptacle); open (receptacle); close (receptacle); "
        "take (object) from (receptacle); "
        f"{_BOTH}; examine (something); use (object); heat (object) with (receptacle); "
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
        wording: Wording | None = None,
        prompt: Style = "plain",
        prompts: str | Path | None = None,
        expert: str | None = None,
    ) -> None:
        games = GENERATED_GAMES if games is None else games
        require_whole("games", games, least=1)
        require_whole("seed", seed)
        require_whole("max_steps", max_steps, least=1)
        if wording not in (None, *get_args(Wording)):
            raise ValueError(f"wording={wording!r}: it is one of {get_args(Wording)}")
        if prompt not in get_args(Style):
            raise ValueError(f"prompt={prompt!r}: it is one of {get_args(Style)}")
        if prompts is not None and prompt == "plain":
            raise ValueError("prompts= names examples, which prompt='plain' does not show")
        self.require_expert(expert)
        self.max_steps = max_steps
        self._data = data
        self._size = size_name(size)
        self._seeds = range(seed, seed + games)
        self._explain = explain
        self._wording = wording
        self._prompt = prompt
        self._prompts = prompts
        self._examples = None if prompts is None else read_prompts(prompts)
        self._expert = expert
        self._adviser: Expert | None = None
        self._engine: Engine | None = None
        self._task: Task | None = None
        if seed < TRAINING_SEEDS < self._seeds.stop:
            raise ValueError(f"seeds {seed} to {self._seeds.stop - 1} mix evaluation and training")
        if wording is not None:
            self.instructions = self.instructions.replace(_BOTH, _WORDINGS[wording])

    @property
    def options(self) -> dict[str, Any]:
        return {
            "data": None if self._data is None else str(self._data),
            "size": self._size,
            "games": len(self._seeds),
            "seed": self._seeds.start,
            "max_steps": self.max_steps,
            "explain": self._explain,
            "wording": self._wording,
            "prompt": self._prompt,
            "prompts": None if self._prompts is None else str(self._prompts),
            "expert": self._expert,
        }

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a worker process takes over: the settings, and no running game."""
        return self.__dict__ | {"_engine": None, "_task": None, "_adviser": None}

    @property
    def default_split(self) -> str:
        """Generated games, or the official validation games of whoever names data."""
        return "generated" if self._data is None else "valid_seen"

    @property
    def training_split(self) -> str:
        return "generated" if self._data is None else "train"

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

    def instructions_for(self, task: Task) -> str:
        """The commands and, where the prompt asks for it, two games of the task's type."""
        if self._prompt == "plain" or task.kind not in TASK_TYPES:
            return self.instructions
        if self._examples is None:
            examples = made_examples(task.kind, self._prompt)
        else:
            examples = official_examples(self._examples, task.kind, self._prompt)
        if self._wording:
            examples = reword(examples, self._wording)
        thoughts = f" {THINKS} (thought) changes nothing." if self._prompt == "react" else ""
        return (
            f"{self.instructions}{thoughts} Here are two examples.\n{examples}\nHere is the task."
        )

    def fork(self) -> Self:
        return copy.copy(self)

    def reset(self, task: Task) -> Observation:
        engine = self._engine = self._engine or Engine()
        loaded, self._task = self._task, None
        with _faults_of(task):
            if loaded != task:
                engine.load(self._game(task))
            view = engine.reset()
            self._adviser = make_expert(self._expert, view.text) if self._expert else None
        self._task, self._steps = task, 0
        return self._observe(view, None, valid=True)

    def step(self, action: str) -> Observation:
        (engine, task), last = self._playing(), self._last
        if last.done:
            return replace(last, text=NOTHING, reward=0.0)
        command = action.strip()
        self._steps += 1
        if self._prompt == "react" and command.startswith(THINKS):
            return self._observe(replace(self._view, text=THOUGHT), None, valid=True)
        put = _PUT.fullmatch(command)
        if put and command not in self._view.commands:
            command = engine.put_template.replace("{o}", put[1]).replace("{r}", put[2])
        valid = command in self._view.commands
        with _faults_of(task):
            view = engine.step(command)
        if self._explain and not valid:
            view = replace(view, text=f"{NOTHING} {explain(command, engine)}")
        return self._observe(view, command, valid)

    def snapshot(self) -> Snapshot:
        engine, task = self._playing()
        expert = copy.deepcopy(self._adviser)
        return Snapshot(task.id, engine.history, self._last, self._steps, expert)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Return to a snapshot of the task that is set up now.

        Raises:
            ValueError: the snapshot is of another task.
        """
        engine, task = self._playing()
        if snapshot.task_id != task.id:
            raise ValueError(f"a snapshot of {snapshot.task_id} cannot continue {task.id}")
        self._view = engine.replay(snapshot.history, snapshot.observation.text)
        self._last, self._steps = snapshot.observation, snapshot.steps
        self._adviser = copy.deepcopy(snapshot.expert)
        return self._last

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = self._task = None

    def _playing(self) -> tuple[Engine, Task]:
        if self._engine is None or self._task is None:
            raise RuntimeError("no task is set up: call reset first")
        return self._engine, self._task

    def _observe(self, view: View, command: str | None, valid: bool) -> Observation:
        """What the agent sees after `command`, or after a reset or a thought (None)."""
        self._view = view
        info: dict[str, Any] = {"won": view.won, "steps": self._steps, "valid": valid}
        done = view.won or self._steps >= self.max_steps
        if done:
            info["stop"] = "solved" if view.won else "step limit"
        if self._adviser:
            info["expert_plan"] = self._advice(self._adviser, command)
        text, commands = view.text, view.commands
        if self._prompt != "plain":
            text = trim(text)
        if self._wording:
            text = reword(text, self._wording)
            commands = tuple(sorted(reword(each, self._wording) for each in commands))
        self._last = Observation(text, commands, float(view.won), done, info)
        return self._last

    def _advice(self, expert: Expert, command: str | None) -> list[str]:
        if command is None and self._steps:  # a thought: the advice still holds
            return list(self._last.info["expert_plan"])
        engine, _ = self._playing()
        advice = expert.advise(engine, self._view, command)
        return [reword(each, self._wording) for each in advice] if self._wording else advice

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
