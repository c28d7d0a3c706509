"""TextCraft: craft an item in text, by the recipes and the rules of the benchmark.

Prasad et al., "ADaPT: As-Needed Decomposition and Planning with Language Models" (Findings of NAACL
2024), arXiv 2311.05772.

The goal's recipes are listed among some that distract. Crafting the goal is reward 1 and the end.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Self

from ...episodes import Observation, Task
from ..environment import Environment, TaskError
from ..settings import require_whole
from .crafting import Effect, choose_ingredients, craft_command, perform
from .files import read_book
from .generator import MOST_DEPTH, Goal, generate_goal
from .recipes import Recipe, RecipeBook, identity, words
from .solver import make_plan

TEST_GOALS = "test_goals.txt"
"""The paper's goals in the order of its seeds, from the results that its authors published
(github.com/archiki/ADaPT, `results`); their code draws them by an order that a disk decides."""
LEAST_DEPTH = 2
"""Officially a goal takes at least two crafting steps, one upon the other."""
GENERATED_GAMES = 120
GENERATED_DEPTHS = (2, 3, 4)
"""Depths of generated goals, in turn: those of the official goals."""
_USES = 10
"""Recipes with the same ingredient that are looked at as distractors, at most; as officially."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of one task, to return to."""

    task_id: str
    inventory: tuple[tuple[str, int], ...]
    observation: Observation
    steps: int


class TextCraft(Environment):
    """Craft an item: get what lies around, craft what does not.

    Args:
        data: the official recipes: Minecraft's folder `recipes`, or the one around it.
        depth: play only goals that take so many crafting steps, one upon another. None: all.
        distractors: recipes in the list that the goal does not need, at most.
        games: how many goals the split `generated` has.
        seed: the seed of the first generated goal, and of the choice of distractors.
        max_steps: actions until a task ends without success.
        expert: `planner` also tells, in the observations' `info`, what the solver would do.

    Raises:
        ValueError: a number is out of range, or there is no such expert.

    Example:
        >>> environment = TextCraft()
        >>> observation = environment.reset(environment.tasks("generated")[0])
        >>> observation = environment.step("inventory")
    """

    name: ClassVar[str] = "textcraft"
    splits: ClassVar[tuple[str, ...]] = ("generated", "test", "train", "all")
    experts: ClassVar[tuple[str, ...]] = ("planner",)
    instructions: str = (
        "Craft the goal, one action at a time: "
        "craft [target count] [target item] using [count] [item], [count] [item], ...; "
        "get [count] [item]; inventory. "
        "Use only the crafting commands that are listed, with exactly the counts they name; where "
        "one asks for a generic item such as planks, put in one special type of it, such as dark "
        "oak planks. What no command crafts can be got."
    )

    def __init__(
        self,
        *,
        data: str | Path | None = None,
        depth: int | None = None,
        distractors: int = 10,
        games: int = GENERATED_GAMES,
        seed: int = 0,
        max_steps: int = 40,
        expert: str | None = None,
    ) -> None:
        if depth is not None:
            require_whole("depth", depth, least=1)
            if depth > MOST_DEPTH:
                raise ValueError(f"depth={depth}: it must be at most {MOST_DEPTH}")
        require_whole("distractors", distractors)
        require_whole("games", games, least=1)
        require_whole("seed", seed)
        require_whole("max_steps", max_steps, least=1)
        self.require_expert(expert)
        self.max_steps = max_steps
        self._data = data
        self._depth = depth
        self._distractors = distractors
        self._seeds = range(seed, seed + games)
        self._expert = expert
        self._official: tuple[RecipeBook, dict[str, int]] | None = None
        self._inventory: Mapping[str, int] = {}
        self._task: Task | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {
            "data": None if self._data is None else str(self._data),
            "depth": self._depth,
            "distractors": self._distractors,
            "games": len(self._seeds),
            "seed": self._seeds.start,
            "max_steps": self.max_steps,
            "expert": self._expert,
        }

    @property
    def default_split(self) -> str:
        """Generated goals, or the paper's of whoever names data."""
        return "generated" if self._data is None else "test"

    @property
    def training_split(self) -> str:
        return "generated" if self._data is None else "train"

    @property
    def faults(self) -> dict[str, int]:
        """What was left out of the official recipes and why, with how many."""
        return self._opened()[1]

    def __getstate__(self) -> dict[str, Any]:
        """What a pickled copy takes over: the settings, and neither recipes nor a running task."""
        return self.__dict__ | {"_official": None, "_task": None}

    def fork(self) -> Self:
        own = copy.copy(self)
        own._official = None if self._data is None else self._opened()
        return own

    def tasks(self, split: str = "generated") -> Sequence[Task]:
        """The goals of a split: `test` are the paper's, `train` the others, `all` both.

        Raises:
            ValueError: the split is unknown or empty, or there are no recipes.
        """
        self.require_split(split)
        if split == "generated":
            return [self._generated(seed) for seed in self._seeds]
        book, _ = self._opened()
        goals, test = book.goals(LEAST_DEPTH), _test_goals()
        if split == "test":
            goals = sorted(set(goals) & set(test), key=test.index)
        elif split == "train":
            goals = [item for item in goals if item not in test]
        chosen = [item for item in goals if self._depth in (None, book.depth(item))]
        if not chosen:
            what = "" if self._depth is None else f" of depth {self._depth}"
            raise ValueError(f"the split {split!r} has no goal{what} in {self._data}")
        return [
            Task(
                id=f"textcraft:official/{words(item).replace(' ', '_')}",
                prompt=f"craft {words(item)}.",
                kind=f"depth {book.depth(item)}",
                data={"goal": item},
            )
            for item in chosen
        ]

    def reset(self, task: Task) -> Observation:
        self._task = None
        self._goal = self._goal_of(task)
        self._listed = self._list(task)
        self._finds = self._gettable()
        self._task, self._steps = task, 0
        commands = "\n".join(map(str, self._listed))
        text = f"Crafting commands:\n{commands}\n\nGoal: craft {words(self._goal.item)}."
        return self._observe(Effect(text, {}))

    def step(self, action: str) -> Observation:
        self._playing()
        if self._last.done:
            return replace(self._last, reward=0.0)
        self._steps += 1
        return self._observe(perform(self._goal.book, self._inventory, action.strip()))

    def snapshot(self) -> Snapshot:
        task = self._playing()
        return Snapshot(task.id, tuple(self._inventory.items()), self._last, self._steps)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Return to a snapshot of the task that is set up now.

        Raises:
            ValueError: the snapshot is of another task.
        """
        task = self._playing()
        if snapshot.task_id != task.id:
            raise ValueError(f"a snapshot of {snapshot.task_id} cannot continue {task.id}")
        self._inventory = dict(snapshot.inventory)
        self._last, self._steps = snapshot.observation, snapshot.steps
        return self._last

    def _playing(self) -> Task:
        if self._task is None:
            raise RuntimeError("no task is set up: call reset first")
        return self._task

    def _observe(self, effect: Effect) -> Observation:
        self._inventory = effect.inventory
        won = effect.crafted == self._goal.item
        done = won or self._steps >= self.max_steps
        info: dict[str, Any] = {"won": won, "steps": self._steps, "valid": effect.valid}
        if done:
            info["stop"] = "solved" if won else "step limit"
        if self._expert:
            plan = [] if done else make_plan(self._goal.book, effect.inventory, self._goal.item)
            info["expert_plan"] = plan
        self._last = Observation(effect.text, self._possible(), float(won), done, info)
        return self._last

    def _possible(self) -> tuple[str, ...]:
        """What the listed recipes suggest and what can be done now; other things can be, too."""
        book, carried = self._goal.book, self._inventory
        crafts = [
            craft_command(recipe, chosen)
            for recipe in self._listed
            if (chosen := choose_ingredients(book, carried, recipe)) is not None
        ]
        return ("inventory", *crafts, *self._finds)

    def _gettable(self) -> tuple[str, ...]:
        """The `get` commands that the listed recipes suggest."""
        parts = [each for recipe in self._listed for each in recipe.ingredients]
        found = [each for each in parts if self._goal.book.is_found(each.name)]
        return tuple(dict.fromkeys(f"get {each.count} {words(each.name)}" for each in found))

    def _list(self, task: Task) -> list[Recipe]:
        """The goal's recipes and some that share an ingredient with them, shuffled."""
        book, goal = self._goal.book, self._goal.item
        needed = book.needed_for(goal)
        rng = random.Random(f"{self._seeds.start} {task.id}")
        near: dict[Recipe, None] = {}
        for each in (each for recipe in needed for each in recipe.ingredients):
            uses = book.uses[each.name]
            near |= dict.fromkeys(rng.sample(uses, min(len(uses), _USES)))
        own = set(needed)
        others = [recipe for recipe in near if recipe not in own]
        listed = needed + rng.sample(others, min(len(others), self._distractors))
        rng.shuffle(listed)
        return listed

    def _generated(self, seed: int) -> Task:
        depth = self._depth or GENERATED_DEPTHS[seed % len(GENERATED_DEPTHS)]
        goal = generate_goal(seed, depth)
        return Task(
            id=f"textcraft:generated/{depth}/{seed}",
            prompt=f"craft {words(goal.item)}.",
            kind=f"depth {depth}",
            data={"seed": seed, "depth": depth},
        )

    def _goal_of(self, task: Task) -> Goal:
        match task.data:
            case {"seed": int(seed), "depth": int(depth)} if 1 <= depth <= MOST_DEPTH:
                return generate_goal(seed, depth)
            case {"goal": str(item)}:
                book, _ = self._opened()
                if not book.can_craft(item):
                    raise TaskError(f"{task.id}: no recipe in {self._data} crafts {item!r}")
                return Goal(book, item)
        raise TaskError(f"{task.id}: its data names neither a goal nor a seed with a depth")

    def _opened(self) -> tuple[RecipeBook, dict[str, int]]:
        if self._official is None:
            if self._data is None:
                raise ValueError(
                    "this split needs Minecraft's recipe files: pass data=FOLDER; or use the split "
                    "'generated', which needs none"
                )
            self._official = read_book(Path(self._data).expanduser())
        return self._official


def _test_goals() -> list[str]:
    text = files(__package__).joinpath(TEST_GOALS).read_text(encoding="utf-8")
    return [identity(line) for line in text.splitlines()]
