"""A plan from the recipes: what to get and what to craft until the goal is there.

The solver knows the whole book and what is carried. It crafts each item by the recipe that takes
the fewest actions, puts by what it has collected for a recipe so that crafting one ingredient does
not eat another, and crafts again where one time gives too few. What is found is got first, at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from .crafting import craft_command
from .recipes import Ingredient, Recipe, RecipeBook, words


@dataclass(frozen=True, slots=True)
class Way:
    """How to come by an item."""

    actions: int
    """That it takes, from nothing, to get or to craft it once."""
    recipe: Recipe | None
    """The recipe; None for what is found."""


Ways = Mapping[str, Way]


@lru_cache(maxsize=16)
def find_ways(book: RecipeBook) -> Ways:
    """For every item that can be had, how to come by it in few actions.

    A way never takes fewer actions than the ways of its ingredients, so it leads round no circle.
    """
    ways = {item: Way(1, None) for item in book.items if book.is_found(item)}
    changed = True
    while changed:
        changed = False
        for recipe in book:
            actions = 1
            for each in recipe.ingredients:
                best = _best(book, each, ways)
                if best is None:
                    break
                actions += _times(ways[best], each.count) * ways[best].actions
            else:
                if recipe.item not in ways or actions < ways[recipe.item].actions:
                    ways[recipe.item] = Way(actions, recipe)
                    changed = True
    return ways


def make_plan(book: RecipeBook, inventory: Mapping[str, int], goal: str) -> list[str]:
    """Commands that craft the goal once more, from what is carried; empty if there is no way.

    Args:
        goal: the item's id.
    """
    ways = find_ways(book)
    if goal not in ways or ways[goal].recipe is None:
        return []
    plan = _Plan(book, ways, inventory)
    plan.craft(goal)
    return [f"get {count} {words(item)}" for item, count in plan.got.items()] + plan.crafts


class _Plan:
    """A plan in the making, and what would be carried after it."""

    def __init__(self, book: RecipeBook, ways: Ways, inventory: Mapping[str, int]) -> None:
        self.book = book
        self.ways = ways
        self.free = Counter(inventory)
        """What is carried and not put by for a recipe."""
        self.got: Counter[str] = Counter()
        self.crafts: list[str] = []

    def craft(self, item: str) -> None:
        recipe = self.ways[item].recipe
        assert recipe is not None
        chosen = []
        for each in sorted(recipe.ingredients, key=lambda each: each.any_of_kind):
            part = self.choose(each)
            self.have(part, each.count)
            self.free[part] -= each.count
            chosen.append((part, each.count))
        self.crafts.append(craft_command(recipe, chosen))
        self.free[item] += recipe.count

    def have(self, item: str, count: int) -> None:
        """See to it that so many are free."""
        while (missing := count - self.free[item]) > 0:
            if self.ways[item].recipe is None:
                self.got[item] += missing
                self.free[item] += missing
            else:
                self.craft(item)

    def choose(self, ingredient: Ingredient) -> str:
        """The item to take: one that is there, else the one that takes the fewest actions."""
        fitting = self.book.fitting(ingredient)
        there = (item for item in fitting if self.free[item] >= ingredient.count)
        best = next(there, None) or _best(self.book, ingredient, self.ways)
        assert best is not None
        return best


def _best(book: RecipeBook, ingredient: Ingredient, ways: Ways) -> str | None:
    known = [item for item in book.fitting(ingredient) if item in ways]
    count = ingredient.count
    return min(known, key=lambda item: _times(ways[item], count) * ways[item].actions, default=None)


def _times(way: Way, count: int) -> int:
    """How often a way is gone for so many of its item."""
    return 1 if way.recipe is None else -(-count // way.recipe.count)
