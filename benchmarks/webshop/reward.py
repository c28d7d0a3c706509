"""The reward of a purchase: how much of what was asked for was bought.

Yao et al., "WebShop: Towards Scalable Real-World Web Interaction with Grounded Language Agents"
(NeurIPS 2022):

    reward = type * (attributes matched + options matched + price kept)
                  / (attributes asked for + options asked for + 1)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .goals import Goal
from .matching import COLOURS, alike, words_of
from .products import SEPARATOR, Product

Nouns = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reward:
    """A reward and its parts."""

    value: float
    """In [0, 1]; 1 is success."""
    type: float
    """How well the kind of product fits: 1, 0.5, 0.1 or 0."""
    attributes: int
    """Attributes of the goal that the product has."""
    options: int
    """Options of the goal that were chosen."""
    price: bool
    """Whether it costs no more than the limit."""

    def parts(self) -> dict[str, Any]:
        return asdict(self)


def reward_of(
    product: Product,
    chosen: Mapping[str, str],
    price: float,
    goal: Goal,
    nouns: Nouns,
    *,
    strict: bool = True,
) -> Reward:
    """The reward of buying a product.

    Args:
        chosen: option name to value.
        price: of the product, in dollars.
        nouns: finds the nouns of a title.
        strict: as officially, quirks included: colours are found inside other words, the words of a
            goal's option may be part of the chosen one's (`large`, `x-large`), its name counts
            among them, and repeated nouns of the goal's title count repeatedly.
    """
    kind = _kind(product, goal, nouns, strict)
    attributes = sum(_has(product, wanted) for wanted in goal["attributes"])
    asked = goal["goal_options"]
    options = _options(chosen, asked) if strict else _options_mended(chosen, asked)
    kept = goal["price_upper"] > 0 and price <= goal["price_upper"]
    whole = len(goal["attributes"]) + len(asked) + 1
    value = (attributes + options + kept) / whole * kind
    return Reward(value, kind, attributes, options, kept)


def _kind(product: Product, goal: Goal, nouns: Nouns, strict: bool) -> float:
    wanted = nouns(goal["name"])
    if not strict:
        wanted = sorted(set(wanted))
    shared = len(set(nouns(product.title)) & set(wanted))
    score = shared / len(wanted) if wanted else 0.2
    if score == 0:
        return 0.0
    if score < 0.1:
        return 0.1
    same_query = product.query == goal["query"]
    same_category = len(_path(product.product_category) & _path(goal["product_category"])) >= 2
    return 1.0 if same_query or same_category or score > 0.2 else 0.5


def _path(product_category: str) -> set[str]:
    return {part.strip() for part in product_category.split(SEPARATOR)}


def _has(product: Product, wanted: str) -> bool:
    return (
        any(alike(attribute, wanted) for attribute in product.attributes)
        or wanted in product.title.lower()
        or wanted in " ".join(product.bullets).lower()
        or wanted in product.description.lower()
    )


def _options(chosen: Mapping[str, str], asked: Mapping[str, str] | Sequence[str]) -> int:
    """A named option is compared as the text of the pair, and has a colour only if the name or the
    value is one."""
    texts = [_colour(value) for value in chosen.values()]
    wanted = asked.items() if isinstance(asked, Mapping) else asked
    return sum(any(alike(text, str(_colour(option))) for text in texts) for option in wanted)


def _colour(option: Any) -> Any:
    """The first colour in an option: part of a text, or element of a pair; else the option."""
    return next((colour for colour in COLOURS if colour in option), option)


def _options_mended(chosen: Mapping[str, str], asked: Mapping[str, str] | Sequence[str]) -> int:
    if isinstance(asked, Mapping):
        return sum(_same(chosen.get(name, ""), value) for name, value in asked.items())
    return sum(any(_same(value, option) for value in chosen.values()) for option in asked)


def _same(one: str, other: str) -> bool:
    return _whole_colour(one) == _whole_colour(other)


def _whole_colour(option: str) -> frozenset[str]:
    """The words of an option, or its first colour where one of the words is a colour."""
    words = words_of(option)
    return next((frozenset([colour]) for colour in COLOURS if colour in words), words)
