"""Reading the official recipe files: Minecraft's `recipes/*.json`, of which crafting counts."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from .recipes import PREFIX, Ingredient, Recipe, RecipeBook

_log = logging.getLogger(__name__)


class _Choice(BaseModel):
    """An item or a kind of items; the files call a kind a tag."""

    item: str = ""
    tag: str = ""


_Slot = _Choice | Annotated[list[_Choice], Field(min_length=1)]


class _Result(BaseModel):
    item: str
    count: Annotated[int, Field(ge=1)] = 1


class _Kind(BaseModel):
    type: str


class _Shaped(_Kind):
    pattern: list[str]
    key: dict[str, _Slot] = Field(min_length=1)
    result: _Result | str
    group: str = ""

    def places(self) -> list[tuple[_Slot, int]]:
        drawn = "".join(self.pattern)
        return [(slot, drawn.count(sign)) for sign, slot in self.key.items()]


class _Shapeless(_Kind):
    ingredients: list[_Slot] = Field(min_length=1)
    result: _Result | str
    group: str = ""

    def places(self) -> list[tuple[_Slot, int]]:
        return [(slot, 1) for slot in self.ingredients]


_CRAFTING: dict[str, type[_Shaped] | type[_Shapeless]] = {
    "minecraft:crafting_shaped": _Shaped,
    "minecraft:crafting_shapeless": _Shapeless,
}


def read_book(folder: Path) -> tuple[RecipeBook, dict[str, int]]:
    """The recipes of a folder, and what was left out and why.

    Officially files come in the order in which a disk lists them, and that decides where a circle
    of recipes is opened. Names in reverse order give the commands and depths that the paper's
    authors published with their results (github.com/archiki/ADaPT, `results`).

    A file that is damaged is named in a warning and left out; kinds of recipes that the benchmark
    does not know (smelting, stonecutting, ...) are left out as officially.

    Args:
        folder: the folder of recipe files, or one that holds it under the name `recipes`.

    Raises:
        ValueError: there is no recipe; the message says what was looked for.
    """
    inner = folder / "recipes"
    files = sorted((inner if inner.is_dir() else folder).glob("*.json"), reverse=True)
    recipes: list[Recipe] = []
    left_out: Counter[str] = Counter()
    for file in files:
        try:
            recipe = _read(file.read_bytes())
        except (OSError, ValueError) as error:
            _log.warning("%s is left out: %s", file, _reason(error))
            left_out["damaged"] += 1
            continue
        if recipe is None:
            left_out["not a crafting recipe"] += 1
        else:
            recipes.append(recipe)
    if not recipes:
        raise ValueError(
            f"no crafting recipes in {folder} ({len(files)} .json files): name the folder with "
            "Minecraft's `recipes`, or use the split 'generated', which needs none"
        )
    book = RecipeBook(recipes)
    return book, dict(left_out + book.left_out)


def _read(content: bytes) -> Recipe | None:
    model = _CRAFTING.get(_Kind.model_validate_json(content).type)
    if model is None:
        return None
    file = model.model_validate_json(content)
    result = _Result(item=file.result) if isinstance(file.result, str) else file.result
    counts: dict[str, Ingredient] = {}
    for slot, count in file.places():
        choice = slot[0] if isinstance(slot, list) else slot  # the first of several, as officially
        name = choice.item or choice.tag
        if not name or not count:
            raise ValueError("an ingredient has no name or no place")
        before = counts[name].count if name in counts else 0
        counts[name] = Ingredient(name, before + count, any_of_kind=not choice.item)
    return Recipe(
        tuple(counts.values()), result.item, result.count, file.group and PREFIX + file.group
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()
    return str(error)
