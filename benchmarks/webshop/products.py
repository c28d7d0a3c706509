"""Products: reading the official records, and what is kept of one.

An official record, shortened:

    {"asin": "B06Y3VLDFB", "name": "Console Table", "full_description": "Solid fir ...",
     "small_description": ["Weight: 41"], "pricing": "$877.80", "category": "garden",
     "product_category": "Home & Kitchen", "query": "console tables",
     "customization_options": {"Color": [{"value": "Natural", "image": null}]}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEPARATOR = "\u203a"
"""Between the levels of a `product_category`: a single right-pointing angle quotation mark."""
NO_PRICE = (100.0,)
"""The price of a product that names none, in dollars."""
_CHUNK = 1 << 22
_LONGEST = 1 << 26
"""Characters in one product record, at most."""


@dataclass(frozen=True, slots=True)
class Product:
    """What the shop shows of a product and the reward is counted from."""

    asin: str
    """The shop's number for it: up to ten letters and digits."""
    title: str
    description: str
    bullets: tuple[str, ...]
    prices: tuple[float, ...]
    """In dollars: one, or the two ends of a range."""
    options: dict[str, tuple[str, ...]]
    """Lower-case option name to its lower-case values, in the order of the page."""
    attributes: tuple[str, ...]
    category: str
    query: str
    product_category: str

    @property
    def price_tag(self) -> str:
        """The price as the pages print it."""
        return " to ".join(f"${price}" for price in self.prices)

    @property
    def contents(self) -> str:
        """The text that searches look in."""
        listed = (f"{name}: {', '.join(values)}" for name, values in self.options.items())
        first = self.bullets[0] if self.bullets else ""
        return " ".join([self.title, self.description, first, ", and ".join(listed)]).lower()


def read_product(record: Any, attributes: Any = None) -> Product:
    """The product of one official record.

    Args:
        attributes: what `items_ins_v2` says about it; None if nothing.

    Raises:
        ValueError: the record cannot be used; the message says what it lacks.
    """
    if not isinstance(record, Mapping):
        raise ValueError("no JSON object as its record")
    asin = _text(record, "asin")
    if asin == "nan" or len(asin) > 10:
        raise ValueError("no valid asin")
    bullets = record.get("small_description")
    known = attributes.get("attributes") if isinstance(attributes, Mapping) else None
    return Product(
        asin=asin,
        title=_text(record, "name"),
        description=_text(record, "full_description"),
        bullets=_texts(bullets if isinstance(bullets, list) else [bullets], "small_description"),
        prices=_prices(record.get("pricing")),
        options=_options(record.get("customization_options")),
        attributes=("DUMMY_ATTR",) if known is None else _texts(known, "attributes"),
        category=_text(record, "category"),
        query=_text(record, "query").lower().strip(),
        product_category=_text(record, "product_category"),
    )


def read_records(file: Path) -> Iterator[Any]:
    """The elements of a file with one JSON list, without holding the list in memory.

    Raises:
        ValueError: it is not such a file, or is cut off; the message names it and the element.
        OSError: it cannot be read.
    """
    decode = json.JSONDecoder().raw_decode
    gap = re.compile(r"[\s,]*")
    count = 0
    with file.open(encoding="utf-8") as source:
        try:
            text = source.read(_CHUNK).lstrip()
            if not text.startswith("["):
                raise ValueError("it does not start with [")
            at = 1
            while True:
                at = gap.match(text, at).end()  # type: ignore[union-attr]
                if text[at : at + 1] == "]":
                    return
                try:
                    record, at = decode(text, at)
                except ValueError:
                    more = source.read(_CHUNK)
                    if not more or len(text) - at > _LONGEST:
                        raise
                    text, at = text[at:] + more, 0
                    continue
                yield record
                count += 1
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{file}: no JSON list, at its element {count}: {error}") from error


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        raise ValueError(f"no text under {key}")
    return value


def _texts(values: Any, key: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise ValueError(f"no list of texts under {key}")
    return tuple(values)


def _prices(pricing: Any) -> tuple[float, ...]:
    if not pricing:
        return NO_PRICE
    if not isinstance(pricing, str):
        raise ValueError("no text under pricing")
    try:
        prices = [float(re.sub(r"[^\d.]", "", part)) for part in pricing.split("$")[1:]]
    except ValueError:
        prices = []
    if not prices:
        raise ValueError("no price in dollars under pricing")
    return tuple(prices[:2])


def _options(options: Any) -> dict[str, tuple[str, ...]]:
    if not options:
        return {}
    if not isinstance(options, Mapping):
        raise ValueError("no object under customization_options")
    found: dict[str, tuple[str, ...]] = {}
    for name, contents in options.items():
        if contents is not None:
            if not isinstance(contents, list):
                raise ValueError("no list under an option")
            found[name.lower()] = tuple(_value(each) for each in contents)
    return found


def _value(content: Any) -> str:
    if not isinstance(content, Mapping) or not isinstance(content.get("value"), str):
        raise ValueError("no text under the value of an option")
    return str(content["value"]).strip().replace("/", " | ").lower()
