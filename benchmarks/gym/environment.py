"""Any Gymnasium environment that can be read and written as text.

Observations are texts, or are rendered as text (`render_mode="ansi"`), or are put into words by a
function of yours. Actions are texts, or the numbers of a `Discrete` space, which you may name.
Gymnasium counts rewards as it likes; the return of an episode becomes a score in [0, 1] at its end,
by the lowest and the highest return that you state.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from ...episodes import Observation, Task
from ..environment import Environment, TaskError
from ..settings import TRAINING_SEEDS, require_seeds, require_whole
from .words import action_names, called, load_gymnasium, without_escapes

Factory = Callable[[], Any]
"""Makes a `gymnasium.Env`."""
Observe = Callable[[Any, Any], str]
"""An observation and its `gymnasium.Env`, in words."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of one task, to return to: the actions that led there."""

    task_id: str
    taken: tuple[str, ...]
    observation: Observation
    steps: int
    total: float


class GymnasiumText(Environment):
    """A Gymnasium environment as a text world.

    Args:
        env: the id of a registered environment, or a function that makes one.
        actions: names for the numbers of a `Discrete` action space, in its order; by default the
            numbers themselves.
        goal: what the agent is to do, in words; it opens the first observation.
        observe: puts an observation into words; by default it is a text or is rendered as one, with
            colours spelled out, as in `{red S}`.
        settings: of the registered environment, for `gymnasium.make`.
        returns: the lowest and the highest return, whose scores are 0 and 1; those past them too.
        episodes: how many a split has.
        seed: of the first episode.
        max_steps: actions until an episode ends; the environment may have a limit of its own.

    Raises:
        ImportError: gymnasium is not installed.
        ValueError: there is no such environment, it cannot be read or written as text, or a
            setting does not fit it.

    Example:
        >>> world = GymnasiumText("FrozenLake-v1", actions=["left", "down", "right", "up"])
        >>> observation = world.reset(world.tasks("test")[0])
        >>> observation = world.step("down")
    """

    name: ClassVar[str] = "gymnasium"
    splits: ClassVar[tuple[str, ...]] = ("test", "train")

    def __init__(
        self,
        env: str | Factory,
        *,
        actions: Sequence[str] | None = None,
        goal: str = "",
        observe: Observe | None = None,
        settings: Mapping[str, Any] | None = None,
        returns: tuple[float, float] = (0.0, 1.0),
        episodes: int = 100,
        seed: int = 0,
        max_steps: int = 100,
    ) -> None:
        self._seeds = require_seeds(seed, "episodes", episodes)
        require_whole("max_steps", max_steps, least=1)
        low, high = returns
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"returns={returns!r}: the lowest, then the highest, both finite")
        if settings and not isinstance(env, str):
            raise ValueError(f"settings={settings!r}: your function makes the environment; use it")
        self.max_steps = max_steps
        self._source = env
        self._goal = goal
        self._observe_with = observe
        self._settings = dict(settings or {})
        self._returns = (float(low), float(high))
        self._env: Any = None
        self._task: Task | None = None
        made = self._make()
        rendered = "ansi" in made.metadata.get("render_modes", ())
        if isinstance(env, str) and rendered and made.render_mode is None and observe is None:
            made.close()
            self._settings["render_mode"] = "ansi"
            made = self._make()
        try:
            self._require_text(made)
            self._names = action_names(made.action_space, actions)
            self._longest = getattr(made.action_space, "max_length", None)
        finally:
            made.close()
        if self._names:
            self.instructions = f"Actions: {', '.join(self._names)}."
        else:
            self.instructions = f"An action is a text of at most {self._longest} characters."

    @property
    def options(self) -> dict[str, Any]:
        return {
            "env": self._title,
            "actions": list(self._names) or None,
            "goal": self._goal,
            "observe": called(self._observe_with) if self._observe_with else None,
            "settings": self._settings,
            "returns": list(self._returns),
            "episodes": len(self._seeds),
            "seed": self._seeds.start,
            "max_steps": self.max_steps,
        }

    def tasks(self, split: str = "test") -> Sequence[Task]:
        """One task a seed."""
        self.require_split(split)
        start = TRAINING_SEEDS if split == "train" else 0
        return [
            Task(f"{self._title}:{start + seed}", self._goal, data={"seed": start + seed})
            for seed in self._seeds
        ]

    def reset(self, task: Task) -> Observation:
        seed = task.data.get("seed")
        if not isinstance(seed, int):
            raise TaskError(f"{task.id}: its data names no seed: {task.data}")
        self._env = self._env or self._make()
        self._task, self._steps, self._total = task, 0, 0.0
        self._taken: tuple[str, ...] = ()
        text, possible = self._begin(seed)
        self._last = Observation(f"{self._goal}\n\n{text}".strip(), possible)
        return self._last

    def step(self, action: str) -> Observation:
        self._playing()
        if self._last.done:
            return replace(self._last, reward=0.0)
        self._steps += 1
        taken = self._read(action)
        text, possible = "That is no action here.", self._last.admissible
        info: dict[str, Any] = {"valid": taken is not None, "steps": self._steps}
        terminated = truncated = False
        if taken is not None:
            self._taken = (*self._taken, taken)
            text, possible, reward, terminated, truncated = self._step(taken)
            self._total += reward
            info |= {"reward": reward, "return": self._total}
        done = terminated or truncated or self._steps >= self.max_steps
        score = self._score() if done else 0.0
        if done:
            info["stop"] = "solved" if score == 1 else "ended" if terminated else "step limit"
        self._last = Observation(text, possible, score, done, info)
        return self._last

    def snapshot(self) -> Snapshot:
        task = self._playing()
        return Snapshot(task.id, self._taken, self._last, self._steps, self._total)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Return to a snapshot of the task that is set up now, by taking its actions again.

        Raises:
            ValueError: the snapshot is of another task, or the environment does not repeat itself
                under its seed.
        """
        task = self._playing()
        if snapshot.task_id != task.id:
            raise ValueError(f"a snapshot of {snapshot.task_id} cannot continue {task.id}")
        self._begin(task.data["seed"])
        total = 0.0
        for action in snapshot.taken:
            total += self._step(action)[2]
        if total != snapshot.total:
            raise ValueError(f"{self._title} gives other rewards under the same seed")
        self._taken, self._last = snapshot.taken, snapshot.observation
        self._steps, self._total = snapshot.steps, snapshot.total
        return self._last

    def fork(self) -> Self:
        own = copy.copy(self)
        own._env = own._task = None
        return own

    def close(self) -> None:
        if self._env is not None:
            self._env.close()
        self._env = self._task = None

    @property
    def _title(self) -> str:
        return self._source if isinstance(self._source, str) else called(self._source)

    def _make(self) -> Any:
        gymnasium = load_gymnasium()
        if not isinstance(self._source, str):
            return self._source()
        try:
            return gymnasium.make(self._source, disable_env_checker=True, **self._settings)
        except (gymnasium.error.Error, TypeError) as error:
            raise ValueError(
                f"env={self._source!r}, settings={self._settings!r}: {error}"
            ) from error

    def _require_text(self, env: Any) -> None:
        spaces = load_gymnasium().spaces
        rendered = env.render_mode == "ansi"
        if not (self._observe_with or rendered or isinstance(env.observation_space, spaces.Text)):
            raise ValueError(
                f"{self._title} observes {env.observation_space}, which is no text: give `observe`"
            )

    def _playing(self) -> Task:
        if self._task is None:
            raise RuntimeError("no task is set up: call reset first")
        return self._task

    def _begin(self, seed: int) -> tuple[str, tuple[str, ...]]:
        """Start an episode; what is seen, and what can be done."""
        self._env.action_space.seed(seed)
        seen, info = self._env.reset(seed=seed)
        return self._words(seen), self._possible(info)

    def _step(self, action: str) -> tuple[str, tuple[str, ...], float, bool, bool]:
        """Take an action; what is seen, what can be done, the reward, and whether it is over."""
        native: Any = action
        if self._names:
            native = self._names.index(action) + int(self._env.action_space.start)
        seen, reward, terminated, truncated, info = self._env.step(native)
        words = self._words(seen)
        return words, self._possible(info), float(reward), bool(terminated), bool(truncated)

    def _read(self, action: str) -> str | None:
        """The action that is meant; None if there is none."""
        if not self._names:
            return next((a for a in (action, action.strip()) if a in self._env.action_space), None)
        meant = action.strip().lower()
        return next((name for name in self._names if name.lower() == meant), None)

    def _possible(self, info: Mapping[str, Any]) -> tuple[str, ...]:
        """The named actions, without those that Gymnasium's conventional `action_mask` bars."""
        mask = info.get("action_mask")
        if mask is None or len(mask) != len(self._names):
            return self._names
        return tuple(name for name, open_ in zip(self._names, mask, strict=True) if open_)

    def _words(self, seen: Any) -> str:
        if self._observe_with:
            return self._observe_with(seen, self._env)
        return seen if isinstance(seen, str) else without_escapes(str(self._env.render()))

    def _score(self) -> float:
        low, high = self._returns
        share = (self._total - low) / (high - low)
        return min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
