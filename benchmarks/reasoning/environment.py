"""reasoning-gym: puzzles made from seeds, answered once, scored by the library's own rules.

Stojanovski et al., "Reasoning Gym: Reasoning Environments for Reinforcement Learning with
Verifiable Rewards" (2025, arXiv 2505.24760).

The reward is what the family's scorer gives, in [0, 1]; 1 is success. Several give a little for an
answer that is wrong.
"""

from __future__ import annotations

import copy
import hashlib
import io
import math
import random
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, fields, replace
from importlib import import_module
from typing import Any, ClassVar, Self

from ...episodes import Observation, Task, error_text
from ..environment import Environment, TaskError
from ..settings import TRAINING_SEEDS, require_seeds
from .answers import FORMULAS, read_answer, refusal
from .scoring import FormulaScorer

EVERY = "all"
NOT_A_FAMILY = {"composite"}
"""A mixture of other families; `all` is ours."""
_DIGEST = 6
"""Hexadecimal digits that tell questions apart."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of one task, to return to."""

    task_id: str
    observation: Observation


class ReasoningGym(Environment):
    """Puzzles of one family, or of all in turn.

    A question's digest is part of its task's id: a few families make other questions from the same
    seed in another process, and those are never taken for the same task.

    Args:
        family: a family by name, or `all`.
        size: how many puzzles a split has.
        seed: of the first puzzle.
        config: settings of the family, for example `{"min_terms": 5}`; not for `all`.

    Raises:
        ValueError: a number out of range, or settings for all families at once. Unknown families
            and settings are found with the first task.

    Example:
        >>> environment = ReasoningGym(family="chain_sum", size=10)
        >>> observation = environment.reset(environment.tasks("test")[0])
        >>> observation = environment.step("42")
    """

    name: ClassVar[str] = "reasoning-gym"
    splits: ClassVar[tuple[str, ...]] = ("test", "train")
    max_steps: int = 1
    instructions: str = (
        "Solve the problem. Your action is the final answer alone, in the form that the problem "
        "asks for; there is one attempt."
    )

    def __init__(
        self,
        *,
        family: str = EVERY,
        size: int = 100,
        seed: int = 0,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        require_seeds(seed, "size", size)
        if config and family == EVERY:
            raise ValueError(f"config={config!r}: settings are of one family; name it")
        if config is not None and not isinstance(config, Mapping):
            raise ValueError(f"config={config!r}: it maps names to values")
        self._family = family
        self._size = size
        self._seed = seed
        self._config = dict(config or {})
        self._made: dict[str, tuple[Task, ...]] = {}
        self._scorers: dict[str, Any] = {}
        self._formulas = FormulaScorer()
        self._task: Task | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {
            "family": self._family,
            "size": self._size,
            "seed": self._seed,
            "config": self._config,
        }

    @property
    def families(self) -> tuple[str, ...]:
        """The names of all families."""
        return tuple(sorted(set(_library().DATASETS) - NOT_A_FAMILY))

    def fork(self) -> Self:
        own = copy.copy(self)
        own._task = None
        return own

    def tasks(self, split: str = "test") -> Sequence[Task]:
        """One task a puzzle; its kind is the family. With `all`, the families take turns.

        Raises:
            ValueError: the split, the family or one of its settings is unknown.
        """
        self.require_split(split)
        if split not in self._made:
            start = self._seed + (TRAINING_SEEDS if split == "train" else 0)
            chosen = self.families if self._family == EVERY else (self._family,)
            rounds = math.ceil(self._size / len(chosen))
            sets = [self._puzzles(family, start, rounds) for family in chosen[: self._size]]
            self._scorers.update(zip(chosen, sets, strict=False))
            places = (divmod(place, len(chosen)) for place in range(self._size))
            self._made[split] = tuple(
                _task(chosen[which], start + index, sets[which], index) for index, which in places
            )
        return self._made[split]

    def reset(self, task: Task) -> Observation:
        entry = task.reference
        if not isinstance(entry, Mapping) or entry.get("question") != task.prompt:
            raise TaskError(f"{task.id}: take it from `tasks`, its reference is missing")
        self._task = task
        self._last = Observation(task.prompt)
        return self._last

    def step(self, action: str) -> Observation:
        task = self._playing()
        if self._last.done:
            return replace(self._last, reward=0.0)
        answer = read_answer(action)
        refused = refusal(task.kind, answer, task.reference)
        reward = 0.0
        if not refused:
            try:
                reward = self._score(task, answer)
            except Exception as broken:  # scorers are many people's code, and answers anything
                refused = f"the scorer failed: {error_text(broken)}"
        info: dict[str, Any] = {"stop": "solved" if reward == 1 else "answered"}
        if refused:
            info["refused"] = refused
        self._last = Observation("That was your answer.", (), reward, True, info)
        return self._last

    def snapshot(self) -> Snapshot:
        return Snapshot(self._playing().id, self._last)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Return to a snapshot of the task that is set up now.

        Raises:
            ValueError: the snapshot is of another task.
        """
        task = self._playing()
        if snapshot.task_id != task.id:
            raise ValueError(f"a snapshot of {snapshot.task_id} cannot continue {task.id}")
        self._last = snapshot.observation
        return self._last

    def close(self) -> None:
        self._task = None

    def _playing(self) -> Task:
        if self._task is None:
            raise RuntimeError("no task is set up: call reset first")
        return self._task

    def _score(self, task: Task, answer: str) -> float:
        if task.kind in FORMULAS:
            score = self._formulas.score(task.kind, self._config, answer, task.reference)
        else:
            if task.kind not in self._scorers:
                self._scorers[task.kind] = self._puzzles(task.kind, 0, 1)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                score = float(self._scorers[task.kind].score_answer(answer, task.reference))
        return min(max(score, 0.0), 1.0) if math.isfinite(score) else 0.0

    def _puzzles(self, family: str, seed: int, size: int) -> Any:
        """The library's data set of so many puzzles from a seed."""
        library = _library()
        if family not in self.families:
            known = ", ".join(self.families)
            raise ValueError(f"family={family!r}: it is {EVERY!r} or one of {known}")
        settings = {field.name for field in fields(library.DATASETS[family][1])} - {"seed", "size"}
        unknown = sorted(set(self._config) - settings)
        if unknown:
            known = ", ".join(sorted(settings))
            raise ValueError(f"config: {family} has no {unknown[0]!r}; it has {known}")
        try:
            return library.create_dataset(family, seed=seed, size=size, **self._config)
        except (AssertionError, TypeError, ValueError) as error:
            raise ValueError(f"config={self._config!r}: {family}: {error}") from error


def _task(family: str, seed: int, puzzles: Any, index: int) -> Task:
    entry = _puzzle(puzzles, index, seed)
    digest = hashlib.sha256(entry["question"].encode("utf-8", "replace")).hexdigest()[:_DIGEST]
    return Task(
        id=f"reasoning-gym:{family}/{seed}/{digest}",
        prompt=entry["question"],
        kind=family,
        data={"seed": seed},
        reference=entry,
    )


def _puzzle(puzzles: Any, index: int, seed: int) -> dict[str, Any]:
    """One puzzle. Some generators print, and one draws from Python's global generator, which is
    seeded for it and left as it was."""
    before = random.getstate()
    random.seed(seed)
    try:
        with redirect_stdout(io.StringIO()):
            made: dict[str, Any] = puzzles[index]
    finally:
        random.setstate(before)
    return made


def _library() -> Any:
    """The module with the families.

    Raises:
        ImportError: the package is missing; the message says how to install it.
    """
    try:
        import_module("reasoning_gym")
        return import_module("reasoning_gym.factory")
    except ImportError as error:
        raise ImportError(
            f'reasoning-gym is missing ({error}): pip install "symposia[reasoning]"'
        ) from error
