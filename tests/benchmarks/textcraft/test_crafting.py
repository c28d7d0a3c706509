import json
from pathlib import Path

import pytest

from symposia.benchmarks.textcraft import Ingredient, Recipe, RecipeBook, make_plan
from symposia.benchmarks.textcraft.crafting import MOST, perform
from symposia.benchmarks.textcraft.files import read_book
from symposia.benchmarks.textcraft.recipes import identity


def recipe(item: str, *using: str, count: int = 1, kind: str = "") -> Recipe:
    """`using` are such as `2 oak log`, with `any` before the name of a kind."""
    parts = []
    for part in using:
        number, _, name = part.partition(" ")
        any_of_kind = name.startswith("any ")
        parts.append(Ingredient(identity(name.removeprefix("any ")), int(number), any_of_kind))
    return Recipe(tuple(parts), identity(item), count, kind and identity(kind))


BOOK = RecipeBook(
    [
        recipe("oak planks", "1 oak log", count=4, kind="planks"),
        recipe("birch planks", "1 birch log", count=4, kind="planks"),
        recipe("stick", "2 any planks", count=4),
        recipe("sign", "6 oak planks", "1 stick", count=3),
        recipe("iron ingot", "9 iron nugget"),
        recipe("iron nugget", "1 iron ingot", count=9),
        recipe("iron ingot", "1 iron_block", count=9),
        recipe("shelf", "2 any wooden slabs", "1 iron ingot"),
    ]
)


def carrying(**items: int) -> dict[str, int]:
    return {identity(name): count for name, count in items.items()}


def test_a_recipe_reads_as_the_command_that_crafts_it() -> None:
    assert str(recipe("dark oak sign", "6 dark oak planks", "1 stick", count=3)) == (
        "craft 3 dark oak sign using 6 dark oak planks, 1 stick"
    )


def test_recipes_that_close_a_circle_or_take_a_block_apart_are_left_out_and_counted() -> None:
    assert BOOK.left_out == {"closes a circle": 1, "takes a block apart": 1}
    assert [str(each) for each in BOOK.of_item(identity("iron ingot"))] == [
        "craft 1 iron ingot using 9 iron nugget"
    ]
    assert BOOK.is_found(identity("iron nugget"))


def test_a_kind_of_which_nothing_is_crafted_is_an_item_that_is_found() -> None:
    assert BOOK.is_found(identity("wooden slabs"))
    assert not BOOK.is_found(identity("planks"))


def test_depth_counts_crafting_steps_one_upon_another() -> None:
    names = ("oak log", "oak planks", "planks", "stick", "sign", "shelf")
    assert [BOOK.depth(identity(name)) for name in names] == [0, 1, 1, 2, 3, 2]
    assert BOOK.goals(2) == [identity("sign"), identity("stick"), identity("shelf")]


def test_what_a_goal_needs_includes_every_recipe_of_a_kind() -> None:
    assert [str(each) for each in BOOK.needed_for(identity("stick"))] == [
        "craft 4 stick using 2 planks",
        "craft 4 oak planks using 1 oak log",
        "craft 4 birch planks using 1 birch log",
    ]


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("inventory", "Inventory: [oak planks] (7) [stick] (1) "),
        ("inventory please", "Inventory: [oak planks] (7) [stick] (1) "),
        ("get 2 oak log", "Got 2 oak log"),
        ("get 1 oak planks", "Could not find oak planks"),
        ("get 1 planks", "Could not find planks"),
        ("get 1 unobtainium", "Could not find unobtainium"),
        ("get oak log", "Could not execute get oak log"),
        ("dance", "Could not execute dance"),
        ("Inventory", "Could not execute Inventory"),
        ("craft 3 sign using 6 oak planks, 1 stick", "Crafted 3 minecraft:sign"),
        ("craft sign using 1 stick, 6 oak planks", "Crafted 3 minecraft:sign"),
        ("craft 99 sign using 6 oak planks, 1 stick", "Crafted 3 minecraft:sign"),
        ("craft 4 stick using 2 oak planks", "Crafted 4 minecraft:stick"),
        ("craft 4 stick using 2 planks", "Could not find enough items to craft minecraft:stick"),
        (
            "craft 4 stick using 8 oak planks",
            "Could not find enough items to craft minecraft:stick",
        ),
        ("craft 4 planks using 1 oak log", "Could not find enough items to craft None"),
        ("craft 1 stick using oak planks", "Wrong item format: oak planks"),
        (
            "craft 4 stick using 3 oak planks",
            "Could not find a valid recipe for ItemTagWithCount("
            "item_tag=ItemTag(tag=None, item_id='minecraft:stick'), count=4)",
        ),
        (
            "craft planks using 1 stick",
            "Could not find a valid recipe for ItemTagWithCount("
            "item_tag=ItemTag(tag='minecraft:planks', item_id=None), count=1)",
        ),
    ],
)
def test_actions_are_answered_in_the_words_of_the_benchmark(action: str, answer: str) -> None:
    before = carrying(oak_planks=7, stick=1)
    effect = perform(BOOK, before, action)
    assert effect.text == answer
    assert effect.valid == (not answer.startswith(("Could", "Wrong")))
    if not effect.valid:
        assert effect.inventory == before


def test_crafting_uses_up_what_is_put_in() -> None:
    effect = perform(
        BOOK, carrying(oak_planks=7, stick=1), "craft sign using 6 oak planks, 1 stick"
    )
    assert effect.inventory == carrying(oak_planks=1, sign=3)
    assert effect.crafted == identity("sign")


def test_nothing_is_put_in_twice() -> None:
    book = RecipeBook([*BOOK, recipe("raft", "2 oak planks", "2 any planks")])
    answer = perform(book, carrying(oak_planks=2), "craft raft using 2 oak planks, 2 oak planks")
    assert answer.text == "Could not find enough items to craft minecraft:raft"


def test_a_count_without_measure_is_refused() -> None:
    for digits in (str(MOST + 1), "9" * 5000):
        assert not perform(BOOK, {}, f"get {digits} oak log").valid
    assert perform(BOOK, {}, f"get {MOST} oak log").valid


def test_a_plan_gets_first_and_crafts_as_often_as_it_takes() -> None:
    assert make_plan(BOOK, {}, identity("sign")) == [
        "get 2 oak log",
        "craft 4 oak planks using 1 oak log",
        "craft 4 oak planks using 1 oak log",
        "craft 4 stick using 2 oak planks",
        "craft 3 sign using 6 oak planks, 1 stick",
    ]


def test_a_plan_uses_what_is_carried() -> None:
    there = carrying(birch_planks=2, oak_planks=6)
    assert make_plan(BOOK, there, identity("sign")) == [
        "craft 4 stick using 2 birch planks",
        "craft 3 sign using 6 oak planks, 1 stick",
    ]


def test_there_is_no_plan_for_what_cannot_be_crafted() -> None:
    assert make_plan(BOOK, {}, identity("oak log")) == []
    assert make_plan(BOOK, {}, identity("unobtainium")) == []


def test_items_that_need_each_other_have_no_depth_and_no_plan() -> None:
    egg_first = RecipeBook(
        [
            recipe("bird", "1 nest"),
            recipe("nest", "1 any eggs"),
            recipe("white egg", "1 bird", kind="eggs"),
        ]
    )
    with pytest.raises(ValueError, match="bird cannot be crafted from what is found"):
        egg_first.depth(identity("bird"))
    assert egg_first.goals(0) == []
    assert make_plan(egg_first, {}, identity("bird")) == []


SHAPED = {
    "type": "minecraft:crafting_shaped",
    "group": "sign",
    "pattern": ["###", "###", " X "],
    "key": {
        "#": {"item": "minecraft:oak_planks"},
        "X": [{"item": "minecraft:stick"}, {"item": "x"}],
    },
    "result": {"item": "minecraft:oak_sign", "count": 3},
}
SHAPELESS = {
    "type": "minecraft:crafting_shapeless",
    "ingredients": [
        {"item": "minecraft:egg"},
        {"item": "minecraft:egg"},
        {"tag": "minecraft:sand"},
    ],
    "result": {"item": "minecraft:cake"},
}


def write(folder: Path, **files: object) -> Path:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text)
    return folder


def test_both_forms_of_recipes_are_read(tmp_path: Path) -> None:
    book, left_out = read_book(write(tmp_path, sign=SHAPED, cake=SHAPELESS))
    assert [str(each) for each in book] == [
        "craft 3 oak sign using 6 oak planks, 1 stick",
        "craft 1 cake using 2 egg, 1 sand",
    ]
    assert book.kind_of == {"minecraft:oak_sign": "minecraft:sign"}
    assert left_out == {}


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"type": 3}',
        SHAPED | {"pattern": "###"},
        SHAPED | {"pattern": ["###"]},
        SHAPED | {"key": {}},
        SHAPED | {"key": {"#": {}}},
        SHAPED | {"key": {"#": []}},
        SHAPED | {"result": {"count": 2}},
        SHAPED | {"result": {"item": "minecraft:x", "count": 0}},
        SHAPELESS | {"ingredients": []},
        SHAPELESS | {"ingredients": 3},
    ],
)
def test_a_damaged_file_is_named_left_out_and_counted(
    damage: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book, left_out = read_book(write(tmp_path, cake=SHAPELESS, broken=damage))
    assert left_out == {"damaged": 1}
    assert len(list(book)) == 1
    assert f"{tmp_path / 'broken.json'} is left out" in caplog.text


def test_other_kinds_of_recipes_are_counted(tmp_path: Path) -> None:
    smelting = {"type": "minecraft:smelting", "ingredient": {"item": "a"}, "result": "b"}
    _, left_out = read_book(write(tmp_path, cake=SHAPELESS, glass=smelting))
    assert left_out == {"not a crafting recipe": 1}


def test_a_folder_without_recipes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"no crafting recipes in .*\(0 \.json files\).*'generated'"
    ):
        read_book(tmp_path)
