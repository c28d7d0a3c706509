"""Shops made from a seed: products, attributes and instructions in the official format.

For tests, examples and training with no download. Titles, options and prices are made up from small
vocabularies; every instruction names attributes and options that its product really has.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .assortment import SORTS, Sort
from .catalogue import Entry
from .products import SEPARATOR

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BRANDS = tuple(
    """
    Alder Avenmoor Brightwell Calder Dunmore Elmsgate Fernhill Galewood Harrowby Ivybank Juniper
    Kestrel Larkmoor Meadowlane Northbay Oakhurst Pinecrest Quillon Rosemere Saltmarsh Thornby
    Umberline Valebrook Westerly Yarrow
    """.split()  # noqa: SIM905
)
_COLOURS = tuple(
    """
    black blue brown gray green ivory khaki navy orange pink purple red white yellow
    """.split()  # noqa: SIM905
)


class GeneratedShop:
    """The entries of a shop that a seed decides: a source for `build_catalogue`."""

    def __init__(self, products: int, seed: int = 0) -> None:
        self._products = products
        self._seed = seed
        self.faults: Counter[str] = Counter()
        self.key = f"generated {products} {seed}"

    def __iter__(self) -> Iterator[Entry]:
        for number in range(self._products):
            yield _entry(number, random.Random(f"{self._seed} {number}"))

    def write(self, folder: Path) -> None:
        """Write the shop as data files with the official names.

        Raises:
            OSError: a file cannot be written.
        """
        records, attributes, human = zip(*self)
        asins = [record["asin"] for record in records]
        said = {asin: each for asin, each in zip(asins, human) if each}
        for name, content in (
            ("items_shuffle.json", records),
            ("items_ins_v2.json", dict(zip(asins, attributes))),
            ("items_human_ins.json", said),
        ):
            (folder / name).write_text(json.dumps(content), encoding="utf-8")


def _entry(number: int, rng: random.Random) -> Entry:
    sort = rng.choice(SORTS)
    asin = _asin(number)
    noun = rng.choice(sort.nouns)
    attributes = sorted(rng.sample(sort.attributes, 4))
    options = _options(sort, rng)
    words = [rng.choice(_BRANDS), *(each.title() for each in attributes[:2]), noun]
    words += [rng.choice(("Set", "Series", "Edition")), str(rng.randint(2, 99))]
    record = {
        "asin": asin,
        "name": " ".join(words),
        "full_description": f"This {noun.lower()} is {attributes[2]}, and made to last.",
        "small_description": [
            f"{each.capitalize()}: a {noun.lower()} for {sort.query}." for each in attributes
        ],
        "pricing": _pricing(sort, rng),
        "images": [],
        "product_category": sort.path.replace(">", SEPARATOR),
        "category": sort.category,
        "query": sort.query,
        "customization_options": options or "",
        "average_rating": "",
        "page": 1,
    }
    wanted = rng.sample(attributes, 2)
    told = {
        "attributes": attributes,
        "instruction": f"Find me {', '.join(wanted)} {sort.query}",
        "instruction_attributes": wanted,
    }
    chosen = {name.lower(): rng.choice(values)["value"].lower() for name, values in options.items()}
    asked = " and ".join([*wanted, *chosen.values()])
    said = {
        "asin": asin,
        "instruction": f"i am looking for {sort.query} with {asked}.",
        "attributes": attributes,
        "options": [f"{name}: {value}" for name, value in chosen.items()],
        "instruction_attributes": wanted,
        "instruction_options": list(chosen.values()),
        "assignment_id": f"generated-{number}",
        "worker_id": "generated",
    }
    return record, told, [said] if rng.random() < 0.25 else None


def _asin(number: int) -> str:
    """Ten characters, different for each number."""
    scattered = number * 2654435761 % 36**7
    return "B0G" + "".join(_DIGITS[scattered // 36**place % 36] for place in range(7))


def _options(sort: Sort, rng: random.Random) -> dict[str, list[dict[str, str]]]:
    groups = {}
    if sort.coloured:
        groups["Color"] = rng.sample(_COLOURS, rng.randint(2, 4))
    if sort.sizes and rng.random() < 0.8:
        groups["Size"] = list(sort.sizes)
    return {
        name: [{"value": each, "image": ""} for each in values] for name, values in groups.items()
    }


def _pricing(sort: Sort, rng: random.Random) -> str:
    low = rng.randint(*sort.price) + 0.99
    chance = rng.random()
    if chance < 0.05:
        return ""
    return f"${low:.2f}" if chance < 0.8 else f"${low:.2f} - ${low * 1.4:.2f}"
