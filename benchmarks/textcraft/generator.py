"""Recipes made from a seed: a goal of any depth, with kinds of items, detours and dead ends.

Layer upon layer: what is found at the bottom, then products that each use something of the layer
below. The products that the goal does not need are what distracts from it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

from .recipes import Ingredient, Recipe, RecipeBook, identity
from .solver import make_plan

MOST_DEPTH = 6
MOST_ACTIONS = 30
"""A goal that takes more actions than this is drawn anew."""

_MATERIALS = (
    *("amber", "ash", "basalt", "birch", "bone", "brass", "cedar", "chalk", "cobalt", "copper"),
    *("coral", "ebony", "flax", "garnet", "hazel", "ivory", "jade", "larch", "maple", "marble"),
    *("nickel", "opal", "pearl", "pine", "resin", "silver", "slate", "tin", "walnut", "zinc"),
)
_FOUND = ("clay", "fibre", "log", "ore", "pebble", "sand", "shard")
_MADE = (
    *("basket", "beam", "bell", "bolt", "bowl", "brick", "cask", "chain", "clasp", "frame"),
    *("gear", "hinge", "hook", "lantern", "lens", "loom", "mast", "nail", "panel", "pipe"),
    *("plate", "pulley", "ring", "rod", "rope", "shelf", "spool", "tile", "tray", "wheel"),
)
_KINDS = ("planks", "ingots", "cloth")
_VARIANTS = 3
"""Items of a kind."""
_WIDTH = 5
"""Products of a layer below the goal's."""
_KIND_SHARE = 0.25
"""How often an ingredient may be any of a kind."""
_COUNTS = (1, 1, 2, 3)
_YIELDS = (1, 1, 2, 4)


@dataclass(frozen=True, slots=True)
class Goal:
    """What to craft, and from which recipes."""

    book: RecipeBook
    item: str
    """The goal's id."""


@lru_cache(maxsize=256)
def generate_goal(seed: int, depth: int = 3) -> Goal:
    """The goal and the recipes of a seed: the same arguments always give the same.

    Args:
        seed: any integer.
        depth: crafting steps one upon another that the goal takes.

    Raises:
        ValueError: the depth is out of range.
    """
    if not 1 <= depth <= MOST_DEPTH:
        raise ValueError(f"depth={depth}: it must be 1 to {MOST_DEPTH}")
    rng = random.Random(f"textcraft {seed} {depth}")
    while True:
        goal = _draw(rng, depth)
        if len(make_plan(goal.book, {}, goal.item)) <= MOST_ACTIONS:
            return goal


def _draw(rng: random.Random, depth: int) -> Goal:
    names = _Names(rng)
    recipes = _kind(rng, names)
    kind = recipes[0].kind
    layers = [[names.found() for _ in range(_WIDTH)]]
    for level in range(1, depth + 1):
        width = 1 if level == depth else _WIDTH
        layers.append([names.made() for _ in range(width)])
        for item in layers[level]:
            recipes.append(_recipe(rng, item, layers[:level], kind))
    (goal,) = layers[-1]
    for _ in range(2 * _WIDTH):  # dead ends: they lead on from what the goal needs, and past it
        recipes.append(_recipe(rng, names.made(), layers[: rng.randint(1, depth)], kind))
    return Goal(RecipeBook(recipes), goal)


def _kind(rng: random.Random, names: _Names) -> list[Recipe]:
    """A kind of items, each made of something found."""
    kind = rng.choice(_KINDS)
    count = rng.choice((1, 2, 4))
    return [
        Recipe(
            (Ingredient(names.found(), 1),),
            identity(f"{names.material()} {kind}"),
            count,
            identity(kind),
        )
        for _ in range(_VARIANTS)
    ]


def _recipe(rng: random.Random, item: str, below: list[list[str]], kind: str) -> Recipe:
    """A recipe with something of the layer just below, so that depths come out as asked for."""
    chosen = [rng.choice(below[-1])]
    others = [each for layer in below for each in layer if each != chosen[0]]
    chosen += rng.sample(others, min(len(others), rng.choice((0, 1, 1, 2))))
    parts = [Ingredient(each, rng.choice(_COUNTS)) for each in chosen]
    if len(below) > 1 and rng.random() < _KIND_SHARE:
        parts.append(Ingredient(kind, rng.choice(_COUNTS), any_of_kind=True))
    return Recipe(tuple(parts), item, rng.choice(_YIELDS))


class _Names:
    """Names that were not given yet."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._given: set[str] = set()

    def found(self) -> str:
        return self._new(_FOUND)

    def made(self) -> str:
        return self._new(_MADE)

    def material(self) -> str:
        while (material := self._rng.choice(_MATERIALS)) in self._given:
            pass
        self._given.add(material)
        return material

    def _new(self, things: tuple[str, ...]) -> str:
        while True:
            name = identity(f"{self._rng.choice(_MATERIALS)} {self._rng.choice(things)}")
            if name not in self._given:
                self._given.add(name)
                return name
