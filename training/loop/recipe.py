"""A recipe: what a published training method fills in.

A recipe says who plays (`team`), what is collected (`collection`), what rows become of it (`rows`,
where rewards and advantages are), and what is descended (`objective`). The loop does the rest:
it plays, stores, updates every policy on its own rows, serves the new weights, evaluates.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.language_models import BaseChatModel

from ...benchmarks import Report
from ...episodes import Episode, Task
from ...episodes.paper import Paper
from ...graphs.team import Team
from ..sample import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ..trainer import Objective, UpdateSettings

Models = Mapping[str, BaseChatModel]
"""By policy: a chat model that answers with the policy's present weights."""
Runner = Callable[..., Awaitable[Report]]
"""Plays a team in an environment and stores the episodes under a run's name, as `evaluate` does."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What is played in one iteration."""

    tasks: Sequence[Task]
    attempts: int = 1


@dataclass(slots=True)
class Stage:
    """Where a run stands, and what a recipe may look at."""

    iteration: int
    """From 0."""
    iterations: int
    tasks: Sequence[Task]
    """Those of this iteration, with their references, which no team sees."""
    attempts: int
    """That the user asked for."""
    seed: int
    """Of this iteration."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What the recipe keeps from one iteration to the next: JSON. `rows` may change it."""
    score: Callable[[str, str], Awaitable[float]] | None = None
    """Scores an answer to a task, by its id, as the environment does; None for worlds where more
    than an answer counts."""
    tokenizer: PreTrainedTokenizerBase | None = None
    """Of the models that are trained."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """By policy, the number of the version that plays."""
    past: Callable[[int, str], Sequence[Example]] | None = None
    """What a policy was trained on in an earlier iteration; None outside a run."""

    @property
    def rng(self) -> random.Random:
        """Chance for this iteration, from its beginning each time it is asked for."""
        return random.Random(self.seed)

    def require_attempts(self, compared: str) -> None:
        """Refuse a single attempt, for recipes that compare several.

        Args:
            compared: what is compared, in the message: `episodes of a task`.

        Raises:
            ValueError: the user asked for one attempt.
        """
        if self.attempts < 2:
            raise ValueError(f"{compared} are compared: ask for 2 attempts at least")

    def task(self, id: str) -> Task:
        """One of the tasks.

        Raises:
            KeyError: it is not among this iteration's.
        """
        for task in self.tasks:
            if task.id == id:
                return task
        raise KeyError(f"no task {id!r} in iteration {self.iteration}")


class Recipe(ABC):
    """One training method. Subclass it; give settings as arguments of `__init__`."""

    name: ClassVar[str]
    """What users type."""
    summary: ClassVar[str]
    """One line."""
    paper: ClassVar[Paper | None] = None
    policies: Sequence[str] = ("policy",)
    """The weights that are trained, by name; each has an adapter or a model of its own."""
    frozen: Sequence[str] = ()
    """Those of the policies that play and stay as they were at the start."""
    acts: bool | None = None
    """Whether its teams act in worlds, or answer questions; None where nobody said."""

    @abstractmethod
    def team(self, models: Models, stage: Stage) -> Team:
        """Who plays to be learnt from."""

    def tested(self, models: Models) -> Team:
        """Who plays when it is measured what was learnt: by default the team of the last stage."""
        return self.team(models, Stage(iteration=0, iterations=1, tasks=(), attempts=1, seed=0))

    def collection(self, stage: Stage) -> Collection:
        """What to play: by default the stage's tasks, as often as the user asked for."""
        return Collection(stage.tasks, stage.attempts)

    def runner(self, models: Models, stage: Stage) -> Runner | None:
        """Who plays the collection, where a task is not an episode of one team: matches, say. By
        default the run's own runner."""
        return None

    def earlier(self, stage: Stage) -> Mapping[str, tuple[str, int]]:
        """Further models for `team` and `runner`, by a name of their own: a policy's earlier
        version, by its number. Version 0 is the start."""
        return {}

    @abstractmethod
    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        """What to train on: rewards, advantages, rows. `policy` of a row names what it trains."""

    @abstractmethod
    def objective(self, policy: str, stage: Stage) -> Objective:
        """What a policy's update descends."""

    def reference(self, policy: str, stage: Stage) -> int | None:
        """The iteration at whose beginning a policy had the weights that its objective compares
        with; None leaves it to `UpdateSettings.reference`."""
        return None

    def settings(self, chosen: UpdateSettings, stage: Stage) -> UpdateSettings:
        """How the stage's updates are made: by default as the user chose."""
        return chosen

    @property
    def options(self) -> dict[str, Any]:
        """The recipe's own settings, for the plan on disk: JSON values. By default its public
        attributes that are."""
        plain = (bool, int, float, str, type(None), list, tuple)
        return {
            name: value
            for name, value in vars(self).items()
            if not name.startswith("_") and isinstance(value, plain)
        }
