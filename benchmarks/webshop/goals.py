"""Goals: what a customer asks for. Drawn from the catalogue as the official load does it, or read
from a manifest.

The official load draws prices with a generator that nobody seeds, so two of its loads differ in the
price limits that the instructions name. Here one seed decides them all; the official code draws the
same when `random.seed(seed)` is called just before its `generate_product_prices`. (Earlier is too
early: importing rich draws numbers too.) A manifest keeps the result.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict, cast

from .catalogue import Catalogue
from .products import Product

PRICE_LIMITS = tuple(10.0 * step for step in range(1, 100))
"""Price limits that an instruction can name, in dollars."""
NO_LIMIT = 1000000
"""The limit of a goal that names none, in dollars."""
SHUFFLE_SEED = 233
"""Decides the official order of goals."""


class Goal(TypedDict):
    """One goal, under its official keys, and the seed of the load that drew its prices."""

    asin: str
    category: str
    query: str
    name: str
    product_category: str
    instruction_text: str
    attributes: list[str]
    price_upper: float
    goal_options: dict[str, str] | list[str]
    """Synthetic goals name their options, human ones do not."""
    weight: float
    """How likely the official environment picks the goal by chance, in proportion."""
    seed: int


_KINDS: dict[str, Any] = {
    "asin": str,
    "category": str,
    "query": str,
    "name": str,
    "product_category": str,
    "instruction_text": str,
    "attributes": list,
    "price_upper": (int, float),
    "goal_options": (dict, list),
}


def draw_goals(catalogue: Catalogue, seed: int = 0, *, human: bool = False) -> dict[str, Goal]:
    """All goals of a catalogue by id, which is the place in the official order.

    Args:
        human: the crowd workers' instructions instead of the synthetic ones.
    """
    rng = random.Random(seed)
    prices = catalogue.draw_prices(rng)
    goals: list[Goal] = []
    key, drawn = ("human", _human) if human else ("instruction", _synthetic)
    for number, source in catalogue.sources():
        if key in source:
            goals += drawn(catalogue.product(number), source, prices[number], seed, rng)
    if not human:
        _weigh(goals)
    random.Random(SHUFFLE_SEED).shuffle(goals)
    return {str(place): goal for place, goal in enumerate(goals)}


def write_goals(goals: dict[str, Goal], file: Path) -> None:
    """Save a manifest: JSON, id to goal.

    Raises:
        OSError: it cannot be written.
    """
    file.write_text(json.dumps(goals, indent=1) + "\n", encoding="utf-8")


def read_goals(file: Path, seed: int = 0) -> tuple[dict[str, Goal], dict[str, int]]:
    """The goals of a manifest, and why some were left out with how many.

    Args:
        seed: for goals that tell none.

    Raises:
        ValueError: it holds no goals; the message names it.
        OSError: it cannot be read.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file}: a manifest of goals is a JSON object, id to goal")
    goals: dict[str, Goal] = {}
    faults: Counter[str] = Counter()
    for identity, goal in found.items():
        fault = _fault(goal)
        if fault:
            faults[f"{file.name}: a goal with {fault}"] += 1
        else:
            goals[identity] = cast(Goal, {"weight": 1, "seed": seed, **goal})
    if not goals:
        raise ValueError(f"{file}: no goals; left out: {dict(faults)}")
    return goals, dict(faults)


def _human(
    product: Product, source: dict[str, Any], price: float, seed: int, rng: random.Random
) -> Iterator[Goal]:
    for said in source["human"]:
        if said["instruction_attributes"]:
            limit, words = _price_limit(price, rng)
            yield _goal(
                product,
                said["instruction"].strip(".") + words,
                said["instruction_attributes"],
                list(said["instruction_options"]),
                limit,
                seed,
            )


def _synthetic(
    product: Product, source: dict[str, Any], price: float, seed: int, rng: random.Random
) -> Iterator[Goal]:
    """One goal for each way to choose the product's options."""
    limit, words = _price_limit(price, rng)
    names = sorted(product.options)
    for values in itertools.product(*(product.options[name] for name in names)):
        options = dict(zip(names, values))
        listed = ", and ".join(f"{name}: {value}" for name, value in options.items())
        text = source["instruction"] + (f" with {listed}" if listed else "") + words
        yield _goal(product, text, source["instruction_attributes"], options, limit, seed)


def _price_limit(price: float, rng: random.Random) -> tuple[float, str]:
    """The limit in dollars, and how the instruction words it."""
    candidates = [limit for limit in PRICE_LIMITS if limit > price][:4]
    if len(candidates) < 2:
        return NO_LIMIT, ""
    limit = max(rng.sample(candidates, 2))
    return limit, f", and price lower than {limit:.2f} dollars"


def _goal(
    product: Product,
    text: str,
    attributes: list[str],
    options: dict[str, str] | list[str],
    limit: float,
    seed: int,
) -> Goal:
    return {
        "asin": product.asin,
        "category": product.category,
        "query": product.query,
        "name": product.title,
        "product_category": product.product_category,
        "instruction_text": text,
        "attributes": attributes,
        "price_upper": limit,
        "goal_options": options,
        "weight": 1,
        "seed": seed,
    }


def _weigh(goals: list[Goal]) -> None:
    """Goals of rare attributes weigh more."""
    counts = Counter(attribute for goal in goals for attribute in goal["attributes"])
    for goal in goals:
        shares = [1.0 / counts[attribute] for attribute in goal["attributes"]]
        goal["weight"] = sum(shares) / len(shares)


def _fault(goal: Any) -> str:
    """What makes a manifest's goal unusable; empty if nothing."""
    if not isinstance(goal, dict):
        return "no JSON object"
    for key, kind in _KINDS.items():
        if not isinstance(goal.get(key), kind):
            return f"no valid {key}"
    if not isinstance(goal.get("seed", 0), int):
        return "no valid seed"
    options = goal["goal_options"]
    values = options.values() if isinstance(options, dict) else options
    if not all(isinstance(each, str) for each in (*goal["attributes"], *values)):
        return "attributes or options that are not texts"
    return ""
