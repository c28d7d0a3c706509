"""Reading the official files, and what happens to bad ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from symposia.benchmarks.webshop import GeneratedShop, WebShop
from symposia.benchmarks.webshop.products import read_product, read_records

RECORD: dict[str, Any] = {
    "asin": "B000000001",
    "name": "Red Shoes",
    "full_description": "Shoes.",
    "small_description": "Soft",
    "pricing": "$27.00",
    "category": "fashion",
    "query": " Women's Shoes ",
    "product_category": "Shoes",
    "customization_options": {
        "Color": [{"value": " Red/White ", "image": None}, {"value": "Blue"}],
        "Size": None,
    },
}


def test_a_record_becomes_a_product() -> None:
    product = read_product(RECORD, {"attributes": ["rubber sole"]})
    assert product.bullets == ("Soft",)
    assert product.prices == (27.0,)
    assert product.price_tag == "$27.0"
    assert product.query == "women's shoes"
    assert product.options == {"color": ("red | white", "blue")}
    assert product.attributes == ("rubber sole",)
    assert product.contents == "red shoes shoes. soft color: red | white, blue"
    assert read_product(RECORD).attributes == ("DUMMY_ATTR",)


@pytest.mark.parametrize(
    ("pricing", "tag"),
    [
        ("", "$100.0"),
        (None, "$100.0"),
        ("$1,299.99", "$1299.99"),
        ("$10.00 - $25.50", "$10.0 to $25.5"),
        ("$1$2$3", "$1.0 to $2.0"),
    ],
)
def test_prices_are_printed_as_officially(pricing: str | None, tag: str) -> None:
    assert read_product(RECORD | {"pricing": pricing}).price_tag == tag


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"asin": "nan"}, "no valid asin"),
        ({"asin": "B0123456789"}, "no valid asin"),
        ({"asin": None}, "no text under asin"),
        ({"name": 3}, "no text under name"),
        ({"full_description": None}, "no text under full_description"),
        ({"small_description": [None]}, "no list of texts under small_description"),
        ({"pricing": "free"}, "no price in dollars"),
        ({"pricing": "$"}, "no price in dollars"),
        ({"pricing": 3}, "no text under pricing"),
        ({"customization_options": [1]}, "no object under customization_options"),
        ({"customization_options": {"size": ["6"]}}, "no text under the value"),
        ({"customization_options": {"size": 6}}, "no list under an option"),
        ({"query": None}, "no text under query"),
    ],
)
def test_a_record_that_cannot_be_used_says_why(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_product(RECORD | change)


def test_bad_products_are_named_skipped_and_counted(tmp_path: Path) -> None:
    GeneratedShop(30).write(tmp_path)
    file = tmp_path / "items_shuffle.json"
    records = json.loads(file.read_text())
    file.write_text(json.dumps([7, records[0], *records, RECORD | {"name": None}, "x"]))
    world = WebShop(data=tmp_path)
    assert len(world.catalogue) == 30
    assert world.faults == {
        "a product with no JSON object as its record": 2,
        "a product with an asin that came before": 1,
        "a product with no text under name": 1,
    }


def test_bad_instructions_are_named_skipped_and_counted(tmp_path: Path) -> None:
    GeneratedShop(30).write(tmp_path)
    file = tmp_path / "items_ins_v2.json"
    told = json.loads(file.read_text())
    first, second, *_ = told
    told[first]["instruction_attributes"] = []
    told[second]["attributes"] = "soft"
    file.write_text(json.dumps(told))
    (tmp_path / "items_human_ins.json").write_text("{")
    world = WebShop(data=tmp_path)
    assert len(world.catalogue) == 29
    assert all(task.reference["asin"] not in (first, second) for task in world.tasks())
    faults = world.faults
    assert faults["an instruction without text or attributes"] == 1
    assert faults["a product with no list of texts under attributes"] == 1
    assert any(fault.startswith("items_human_ins.json: not JSON") for fault in faults)


DAMAGED = ("", "{}", "[{}", '[{"asin": }]', "nonsense", "[1, 2", "[" * 200_000)


@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: content[:12])
def test_a_damaged_file_of_products_is_named(content: str, tmp_path: Path) -> None:
    file = tmp_path / "items_shuffle.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"items_shuffle\.json: no JSON list"):
        WebShop(data=tmp_path).tasks()


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "items_shuffle.json").write_bytes(b"[\xff\xfe")
    with pytest.raises(ValueError, match=r"items_shuffle\.json"):
        WebShop(data=tmp_path).tasks()


def test_records_are_read_across_the_bounds_of_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symposia.benchmarks.webshop.products._CHUNK", 5)
    file = tmp_path / "items.json"
    records = [{"a": "x" * n, "b": [n, "]"]} for n in range(20)]
    for text in (json.dumps(records), f"  {json.dumps(records, indent=3)} "):
        file.write_text(text)
        assert list(read_records(file)) == records


def test_the_file_of_products_is_chosen_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no items_shuffle\*\.json"):
        WebShop(data=tmp_path).tasks()
    GeneratedShop(20).write(tmp_path)
    for name in ("items_shuffle", "items_ins_v2"):
        (tmp_path / f"{name}.json").rename(tmp_path / f"{name}_20.json")
    assert len(WebShop(data=tmp_path).catalogue) == 20
    assert len(WebShop(data=tmp_path, products=5).catalogue) == 5
    GeneratedShop(40).write(tmp_path)
    assert len(WebShop(data=tmp_path).catalogue) == 40
    assert len(WebShop(data=tmp_path, products=20).catalogue) == 20
    assert len(WebShop(data=tmp_path / "items_shuffle_20.json").catalogue) == 20


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    GeneratedShop(20).write(tmp_path)
    assert len(WebShop(data=tmp_path).catalogue) == 20
    GeneratedShop(25).write(tmp_path)
    assert len(WebShop(data=tmp_path).catalogue) == 25


def test_no_instructions_means_no_goals(tmp_path: Path) -> None:
    GeneratedShop(20).write(tmp_path)
    (tmp_path / "items_ins_v2.json").unlink()
    with pytest.raises(ValueError, match=r"no goals in .*synthetic.*items_ins_v2.json: missing"):
        WebShop(data=tmp_path).tasks()


def test_generated_shops_depend_on_their_seed() -> None:
    one, same, other = (list(GeneratedShop(30, seed)) for seed in (1, 1, 2))
    assert one == same != other
    assert len({record["asin"] for record, _, _ in one}) == 30
    assert list(GeneratedShop(60, 1))[:30] == one
