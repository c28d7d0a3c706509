"""What an action does: the benchmark's three commands, read and answered as its own code does.

`craft [count] [item] using [count] [item], ...`, `get [count] [item]` and `inventory`. The count in
front of the product is not looked at: a recipe always gives what it gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .recipes import Ingredient, Recipe, RecipeBook, identity, words

MOST = 1_000_000
"""The largest count that a command may name. Officially there is no limit."""

_CRAFT = re.compile(r"craft (.*) using (.*)")
_GET = re.compile(r"get ([0-9]+) (.*)")
_COUNTED = re.compile(r"([0-9]+) (.*)")


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action led to."""

    text: str
    inventory: Mapping[str, int]
    """How many of each item are carried, in the order in which they came."""
    crafted: str = ""
    """The id of the item that was crafted."""
    valid: bool = True
    """False where the action was answered by a refusal and changed nothing."""


class _RefusedError(Exception):
    """An action that changes nothing; the message is the answer."""


def perform(book: RecipeBook, inventory: Mapping[str, int], action: str) -> Effect:
    """Take an action. An impossible one is answered, never an exception."""
    try:
        if craft := _CRAFT.match(action):
            return _craft(book, inventory, craft[1], craft[2])
        if get := _GET.match(action):
            return _get(book, inventory, _count(get[1]), get[2])
    except _RefusedError as refused:
        return Effect(str(refused), inventory, valid=False)
    if action.startswith("inventory"):
        return Effect(_shown(inventory), inventory)
    return Effect(f"Could not execute {action}", inventory, valid=False)


def choose_ingredients(
    book: RecipeBook, inventory: Mapping[str, int], recipe: Recipe
) -> list[tuple[str, int]] | None:
    """What to put into a recipe out of an inventory: items with counts, or None if some are short.

    One slot is filled with one item, as the benchmark demands.
    """
    for each in recipe.ingredients:
        if not each.any_of_kind and inventory.get(each.name, 0) < each.count:
            return None
    left = dict(inventory)
    chosen = []
    for each in sorted(recipe.ingredients, key=lambda each: each.any_of_kind):
        fits = (item for item in book.fitting(each) if left.get(item, 0) >= each.count)
        item = next(fits, None)
        if item is None:
            return None
        left[item] -= each.count
        chosen.append((item, each.count))
    return chosen


def craft_command(recipe: Recipe, chosen: list[tuple[str, int]]) -> str:
    """The command that crafts a recipe once from the chosen items."""
    parts = ", ".join(f"{count} {words(item)}" for item, count in chosen)
    return f"craft {recipe.count} {words(recipe.item)} using {parts}"


def _get(book: RecipeBook, inventory: Mapping[str, int], count: int, shown: str) -> Effect:
    item = identity(shown)
    if not book.is_found(item):
        raise _RefusedError(f"Could not find {shown}")
    return Effect(f"Got {count} {shown}", _with(inventory, item, count))


def _craft(book: RecipeBook, inventory: Mapping[str, int], product: str, using: str) -> Effect:
    counted = _COUNTED.match(product)
    item = identity(counted[2] if counted else product)
    count = _count(counted[1]) if counted else 1
    put_in = [_put_in(part.strip()) for part in using.split(",")]
    named = None if item in book.kinds else item
    too_few = _RefusedError(f"Could not find enough items to craft {named}")
    if any(name in book.kinds or inventory.get(name, -1) < number for name, number in put_in):
        raise too_few
    recipe = next((each for each in book.of_item(item) if _matches(book, each, put_in)), None)
    if recipe is None or named is None:
        tag = None if named else item
        raise _RefusedError(
            "Could not find a valid recipe for ItemTagWithCount("
            f"item_tag=ItemTag(tag={tag!r}, item_id={named!r}), count={count})"
        )
    left = dict(inventory)
    for name, number in put_in:
        if left.get(name, 0) < number:  # named twice, and too few for both
            raise too_few
        left[name] -= number
        if not left[name]:
            del left[name]
    text = f"Crafted {recipe.count} {recipe.item}"
    return Effect(text, _with(left, recipe.item, recipe.count), crafted=recipe.item)


def _put_in(part: str) -> tuple[str, int]:
    counted = _COUNTED.match(part)
    if counted is None:
        raise _RefusedError(f"Wrong item format: {part}")
    return identity(counted[2]), _count(counted[1])


def _count(digits: str) -> int:
    if len(digits) > len(str(MOST)) or int(digits) > MOST:
        raise _RefusedError(f"Could not count to {digits[:20]}")
    return int(digits)


def _matches(book: RecipeBook, recipe: Recipe, put_in: list[tuple[str, int]]) -> bool:
    """Whether each slot of the recipe has the first thing that fits it, in the right number."""
    left = list(put_in)
    for slot in recipe.ingredients:
        fitting = next((each for each in left if _fits(book, slot, each[0])), None)
        if fitting is None or fitting[1] != slot.count:
            return False
        left.remove(fitting)
    return not left


def _fits(book: RecipeBook, slot: Ingredient, item: str) -> bool:
    return slot.name == (book.kind_of.get(item) if slot.any_of_kind else item)


def _with(inventory: Mapping[str, int], item: str, count: int) -> dict[str, int]:
    return {**inventory, item: inventory.get(item, 0) + count}


def _shown(inventory: Mapping[str, int]) -> str:
    carried = "".join(f"[{words(item)}] ({count}) " for item, count in inventory.items())
    return "Inventory: " + (carried or "You are not carrying anything.")
