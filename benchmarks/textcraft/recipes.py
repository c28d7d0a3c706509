"""Recipes, and a book of them that knows what can be crafted, what is found, and how deep it lies.

The rules by which a book leaves recipes out are those of the benchmark's own code (ADaPT, Prasad et
al. 2024): recipes that only take a block apart, and recipes that would close a circle. An item with
a recipe can only be crafted; every other item is found in any amount.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

PREFIX = "minecraft:"


def words(name: str) -> str:
    """An id as it is shown: `minecraft:dark_oak_sign` → `dark oak sign`."""
    return name.replace(PREFIX, "").replace("_", " ")


def identity(shown: str) -> str:
    """The id of what is shown: `dark oak sign` → `minecraft:dark_oak_sign`."""
    return PREFIX + shown.replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Ingredient:
    """So many of an item, or of any items of a kind."""

    name: str
    """The id of the item or of the kind."""
    count: int
    any_of_kind: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """What gives what. As a string it is the command, as the benchmark lists it."""

    ingredients: tuple[Ingredient, ...]
    item: str
    """The id of the product."""
    count: int = 1
    """How many of it come out."""
    kind: str = ""
    """The kind that the product belongs to, such as `minecraft:planks`; empty without one."""

    def __str__(self) -> str:
        parts = ", ".join(f"{each.count} {words(each.name)}" for each in self.ingredients)
        return f"craft {self.count} {words(self.item)} using {parts}"


class RecipeBook:
    """The recipes that count among those given, in their order.

    Args:
        recipes: all recipes; the order decides which one of a circle is left out.
    """

    def __init__(self, recipes: Iterable[Recipe]) -> None:
        self.items: set[str] = set()
        """Every item there is."""
        self.kinds: set[str] = set()
        """Every kind of items."""
        self.kind_of: dict[str, str] = {}
        """The kind of each item that belongs to one."""
        self.left_out: Counter[str] = Counter()
        """Why recipes were left out, and how many."""
        self._of_item: dict[str, list[Recipe]] = {}
        self._of_kind: dict[str, list[Recipe]] = {}
        self._needs: dict[str, set[str]] = {}
        for recipe in recipes:
            self._add(recipe)
        self._resolve_kinds()

    def __iter__(self) -> Iterator[Recipe]:
        for recipes in self._of_item.values():
            yield from recipes

    def recipes(self, name: str) -> Sequence[Recipe]:
        """The recipes of an item, or of the items of a kind."""
        return self._of_item.get(name) or self._of_kind.get(name) or ()

    def of_item(self, item: str) -> Sequence[Recipe]:
        return self._of_item.get(item, ())

    def is_found(self, item: str) -> bool:
        """True when the item lies around and need not be crafted."""
        return item in self.items and item not in self.kinds and not self.recipes(item)

    def fitting(self, ingredient: Ingredient) -> Sequence[str]:
        """The items that an ingredient can be, in the order of the recipes."""
        return self._items_of[ingredient.name] if ingredient.any_of_kind else (ingredient.name,)

    def can_craft(self, item: str) -> bool:
        """True when the item can be crafted, in the end from what is found."""
        return item in self._depths and bool(self.of_item(item))

    def depth(self, name: str) -> int:
        """Crafting steps one upon another that an item, or the easiest of a kind, takes at least.

        Raises:
            ValueError: it cannot be crafted from what is found.
        """
        if not self.recipes(name):
            return 0
        if name not in self._depths:
            raise ValueError(f"{words(name)} cannot be crafted from what is found")
        return self._depths[name]

    def goals(self, least: int) -> list[str]:
        """The items of at least this depth, deepest first, otherwise in the order of recipes."""
        made = [item for item in self._of_item if least <= self._depths.get(item, -1)]
        return sorted(made, key=lambda item: -self._depths[item])

    def needed_for(self, goal: str) -> list[Recipe]:
        """Every recipe that can have a part in crafting the goal, without repetition."""
        found: dict[Recipe, None] = {}
        waiting = [goal]
        for name in waiting:
            for recipe in self.recipes(name):
                if recipe not in found:
                    found[recipe] = None
                    waiting += [each.name for each in recipe.ingredients]
        return list(found)

    @cached_property
    def uses(self) -> dict[str, list[Recipe]]:
        """For each item and kind the recipes that ask for it."""
        uses: dict[str, list[Recipe]] = {}
        for recipe in self:
            for each in recipe.ingredients:
                uses.setdefault(each.name, []).append(recipe)
        return uses

    @cached_property
    def _items_of(self) -> dict[str, list[str]]:
        items: dict[str, list[str]] = {kind: [] for kind in self.kinds}
        for item, kind in self.kind_of.items():
            items[kind].append(item)
        return items

    @cached_property
    def _depths(self) -> dict[str, int]:
        """Depths of all that can be crafted: the least that satisfy every recipe."""
        depths: dict[str, int] = {}
        changed = True
        while changed:
            changed = False
            for name in (*self._of_item, *self._of_kind):
                best = min(self._over(recipe, depths) for recipe in self.recipes(name))
                if best < depths.get(name, math.inf):
                    depths[name] = int(best)
                    changed = True
        return depths

    def _over(self, recipe: Recipe, depths: dict[str, int]) -> float:
        """The depth of a recipe's product by what is known of its ingredients."""
        return 1 + max(
            depths.get(each.name, math.inf) if self.recipes(each.name) else 0
            for each in recipe.ingredients
        )

    def _add(self, recipe: Recipe) -> None:
        self.items.add(recipe.item)
        for each in recipe.ingredients:
            (self.kinds if each.any_of_kind else self.items).add(each.name)
        if len(recipe.ingredients) == 1 and recipe.ingredients[0].name.endswith("_block"):
            self.left_out["takes a block apart"] += 1
            return
        if recipe.kind == recipe.item:
            recipe = replace(recipe, kind="")
        if recipe.kind:
            self.kinds.add(recipe.kind)
            self.kind_of[recipe.item] = recipe.kind
        needs = self._needs.setdefault(recipe.item, set())
        names = [each.name for each in recipe.ingredients]
        if any(recipe.item in self._needs.get(name, ()) for name in names):
            self.left_out["closes a circle"] += 1
            return
        self._of_item.setdefault(recipe.item, []).append(recipe)
        if recipe.kind:
            self._of_kind.setdefault(recipe.kind, []).append(recipe)
        for name in names:
            needs |= {name} | self._needs.get(name, set())

    def _resolve_kinds(self) -> None:
        """A kind of which nothing can be crafted is an item like any other, and is found."""
        craftable = {own for item, own in self.kind_of.items() if item in self._of_item}
        barren = {
            each.name
            for recipe in self
            for each in recipe.ingredients
            if each.any_of_kind and each.name not in craftable
        }
        self.items |= barren
        self.kinds -= barren
        for recipes in (*self._of_item.values(), *self._of_kind.values()):
            recipes[:] = [_with_items(recipe, barren) for recipe in recipes]


def _with_items(recipe: Recipe, barren: set[str]) -> Recipe:
    ingredients = tuple(
        replace(each, any_of_kind=each.any_of_kind and each.name not in barren)
        for each in recipe.ingredients
    )
    return replace(recipe, ingredients=ingredients)
