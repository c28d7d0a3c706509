"""Goals: the official counts and order, the seed, and the manifest."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from symposia.benchmarks.webshop import WebShop, save_goals
from symposia.benchmarks.webshop.goals import NO_LIMIT, PRICE_LIMITS

OFFICIAL_KEYS = {
    *("asin", "category", "query", "name", "product_category", "instruction_text"),
    *("attributes", "price_upper", "goal_options", "weight"),
}


def test_the_official_products_have_the_official_goals(official: Path) -> None:
    synthetic = [task.reference["asin"] for task in WebShop(data=official).tasks()]
    assert len(synthetic) == 6910
    asins = Counter(synthetic)
    assert (len(asins), max(asins.values())) == (415, 558)
    assert len(WebShop(data=official, human_goals=True).tasks()) == 13


def test_a_goal_has_the_official_keys_and_the_seed_of_its_prices(shop: WebShop) -> None:
    for task in shop.tasks():
        assert set(task.reference) == OFFICIAL_KEYS | {"seed"}
        assert task.prompt == task.reference["instruction_text"]


def test_price_limits_lie_above_the_price_and_are_worded(shop: WebShop) -> None:
    prices = {
        shop.catalogue.product(number).asin: price
        for number, price in enumerate(shop.catalogue.prices(0))
    }
    for task in shop.tasks():
        goal = task.reference
        limit, price = goal["price_upper"], prices[goal["asin"]]
        if limit == NO_LIMIT:
            assert price >= PRICE_LIMITS[-2]
            assert "price lower" not in task.prompt
        else:
            assert 0 < limit - price <= 40
            assert task.prompt.endswith(f", and price lower than {limit:.2f} dollars")


def test_synthetic_goals_name_every_way_to_choose(shop: WebShop) -> None:
    number = next(
        n for n in range(len(shop.catalogue)) if len(shop.catalogue.product(n).options) == 2
    )
    product = shop.catalogue.product(number)
    goals = [t.reference for t in shop.tasks() if t.reference["asin"] == product.asin]
    colours, sizes = product.options["color"], product.options["size"]
    assert len(goals) == len(colours) * len(sizes)
    options = goals[0]["goal_options"]
    words = f" with color: {options['color']}, and size: {options['size']}"
    assert words in goals[0]["instruction_text"]


def test_the_order_depends_on_nothing_but_the_number_of_goals() -> None:
    places = [*range(7)]
    random.Random(233).shuffle(places)
    shops = [WebShop(products=200, seed=0), WebShop(products=200, seed=0, human_goals=True)]
    for world in shops:
        ids = [task.data["goal"] for task in world.tasks()]
        assert ids == [str(place) for place in range(len(ids))]
    assert shops[0].tasks() == WebShop(products=200).tasks()


def test_human_goals_name_values_only() -> None:
    for task in WebShop(human_goals=True).tasks():
        assert isinstance(task.reference["goal_options"], list)
        assert task.reference["weight"] == 1


def test_a_manifest_gives_the_same_tasks(tmp_path: Path) -> None:
    file = tmp_path / "goals.json"
    save_goals(file, seed=4, products=50)
    saved = json.loads(file.read_text())
    assert all(goal["seed"] == 4 for goal in saved.values())
    drawn, read = WebShop(seed=4, products=50), WebShop(seed=4, products=50, goals=file)
    assert drawn.tasks() == read.tasks()
    assert [t.reference for t in drawn.tasks()] == [t.reference for t in read.tasks()]
    assert [task.id for task in read.tasks()] == [f"webshop:{identity}" for identity in saved]


def test_bad_goals_of_a_manifest_are_named_skipped_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "goals.json"
    save_goals(file, products=20)
    goals = json.loads(file.read_text())
    good = dict(goals["0"])
    del good["seed"], good["weight"]
    bad = {
        "a": 3,
        "b": good | {"attributes": None},
        "c": good | {"goal_options": [1]},
        "d": good | {"price_upper": "10"},
        "e": good | {"seed": "x"},
    }
    file.write_text(json.dumps({"mine": good, **bad}))
    world = WebShop(products=20, goals=file)
    assert [task.id for task in world.tasks()] == ["webshop:mine"]
    assert sum(world.faults.values()) == 5
    assert world.faults["goals.json: a goal with no valid attributes"] == 1


def test_goals_of_products_that_are_not_sold_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "goals.json"
    save_goals(file, products=40)
    goals = json.loads(file.read_text())
    world = WebShop(products=20, goals=file)
    assert 0 < len(world.tasks()) < len(goals)
    assert all(world.catalogue.sells(task.reference["asin"]) for task in world.tasks())
    fault = "goals.json: a goal whose product is not in the catalogue"
    assert world.faults == {fault: len(goals) - len(world.tasks())}
    file.write_text(json.dumps({"0": goals["0"] | {"asin": "B000000000"}}))
    with pytest.raises(ValueError, match=r"no goals in .*goals\.json.*not in the catalogue': 1"):
        WebShop(products=20, goals=file).tasks()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"a": 1}'])
def test_a_manifest_without_goals_is_named(content: str, tmp_path: Path) -> None:
    file = tmp_path / "goals.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"goals\.json"):
        WebShop(goals=file).tasks()


def test_splits_are_places_in_the_official_order(official: Path) -> None:
    world = WebShop(data=official)
    parts = [world.tasks(split) for split in ("test", "eval", "train")]
    assert [len(part) for part in parts] == [500, 1000, 5410]
    assert [task for part in parts for task in part] == world.tasks("all")


def test_an_empty_split_says_so(shop: WebShop) -> None:
    with pytest.raises(ValueError, match="'train' starts at goal 1500"):
        WebShop(products=20).tasks("train")
    with pytest.raises(ValueError, match="all, test, eval, train"):
        shop.tasks("valid")
