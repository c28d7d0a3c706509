"""The pages of the shop: what each says, in document order, and what can be clicked on it.

Both formats of the official text environment are here: `text`, all pieces in one line, and
`text_rich`, one piece a line with buttons marked.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from .products import Product

Format = Literal["text", "text_rich"]

SEARCH = "Search"
BACK_TO_SEARCH = "Back to Search"
PREVIOUS = "< Prev"
NEXT = "Next >"
BUY = "Buy Now"
DESCRIPTION = "Description"
FEATURES = "Features"
REVIEWS = "Reviews"
ATTRIBUTES = "Attributes"
SUB_PAGES = {name.lower(): name for name in (DESCRIPTION, FEATURES, REVIEWS, ATTRIBUTES)}
"""What a product's buttons for further pages are called, by the lower-cased name."""

_BLANK = " \t\n\r\f"


class Kind(Enum):
    """What a piece of a page is."""

    TEXT = "text"
    BUTTON = "button"
    PRODUCT = "product"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text on a page."""

    text: str
    kind: Kind = Kind.TEXT
    group: str = ""
    """The name of the option that an option's value belongs to."""


Page = tuple[Piece, ...]


def start_page(instruction: str) -> Page:
    return _page([Piece("WebShop"), *_instruction(instruction, "Instruction: "), _button(SEARCH)])


def results_page(instruction: str, products: Sequence[Product], number: int, total: int) -> Page:
    """A page of search results.

    Args:
        products: those on this page.
        number: of the page, from 1.
        total: of the results on all pages.
    """
    pieces = _head(instruction)
    pieces.append(Piece(f"Page {number} (Total results: {total})"))
    if number > 1:
        pieces.append(_button(PREVIOUS))
    pieces.append(_button(NEXT))
    for product in products:
        pieces.append(Piece(product.asin, Kind.PRODUCT))
        pieces += [Piece(product.title), Piece(product.price_tag)]
    return _page(pieces)


def item_page(instruction: str, product: Product, *, show_attributes: bool = False) -> Page:
    pieces = [*_head(instruction), _button(PREVIOUS)]
    for name, values in product.options.items():
        pieces.append(Piece(name))
        pieces += [Piece(value, Kind.OPTION, name) for value in values]
    pieces += [Piece(product.title), Piece(f"Price: {product.price_tag}"), Piece("Rating: N.A.")]
    pieces += [_button(name) for name in (DESCRIPTION, FEATURES, REVIEWS)]
    if show_attributes:
        pieces.append(_button(ATTRIBUTES))
    return _page([*pieces, _button(BUY)])


def sub_page(instruction: str, product: Product, name: str) -> Page:
    """A further page of a product; that of the reviews is empty, for the data has none."""
    texts: Iterable[str] = ()
    if name == DESCRIPTION:
        texts = [product.description]
    elif name == FEATURES:
        texts = [f" {bullet}" for bullet in product.bullets]
    elif name == ATTRIBUTES:
        texts = [f" {attribute}" for attribute in product.attributes]
        texts = [*texts, product.category, product.query, product.product_category]
    return _page([*_head(instruction), _button(PREVIOUS), *map(Piece, texts)])


def done_page(asin: str, options: Mapping[str, str], reward: float) -> Page:
    """The page after a purchase, with the fields that a browser would hide; those of the goal are
    empty."""
    chosen = json.dumps(options, sort_keys=True)
    for character in "<>&'":
        chosen = chosen.replace(character, f"\\u{ord(character):04x}")
    texts = [
        *("Thank you for shopping with us!", "Your code: ", "None"),
        *(" (Paste it in your MTurk interface.)", "Purchased", "asin", asin, "options", chosen),
        *("attrs", "None", "category", "None", "query", "None", "product category", "None"),
        *("Target", "asin", "options", "attrs", "price upper", "instuction text", "category"),
        *("product category", "query", "Goal ", "None", "Reward"),
        *("Your score (min 0.0, max 1.0)", str(reward), "Reward Details ", "None"),
    ]
    return _page(map(Piece, texts))


def clickables(page: Page) -> dict[str, Piece]:
    """What can be clicked by its name, in page order; of several things with one name the last."""
    found = {
        piece.text.lower(): piece for piece in page if piece.kind in (Kind.BUTTON, Kind.PRODUCT)
    }
    return found | {piece.text: piece for piece in page if piece.kind is Kind.OPTION}


def render(
    page: Page, form: Format, *, chosen: Container[str] = (), visited: Container[str] = ()
) -> str:
    """A page as the agent reads it.

    Args:
        chosen: option values that show as clicked, in `text_rich`.
        visited: products that show as clicked, by their asin, in `text_rich`.
    """
    if form == "text":
        return " [SEP] ".join(piece.text.strip() for piece in page)
    top, lines = "", []
    for piece in page:
        text = piece.text
        if piece.kind is Kind.BUTTON:
            text = f"[button] {text} [button_]"
        elif piece.kind is Kind.OPTION and text in chosen:
            top = f"You have clicked {text}.\n{top}"
            text = f"  [clicked button] {text} [clicked button_]"
        elif piece.kind is Kind.OPTION:
            text = f"  [button] {text} [button_]"
        elif piece.kind is Kind.PRODUCT:
            state = "clicked button" if text in visited else "button"
            text = f"\n[{state}] {text} [{state}_]"
        lines.append(f"{text}\n")
    return top + "".join(lines)


def _button(text: str) -> Piece:
    return Piece(text, Kind.BUTTON)


def _instruction(instruction: str, label: str = "Instruction:") -> list[Piece]:
    return [Piece(label), Piece(instruction)]


def _head(instruction: str) -> list[Piece]:
    return [*_instruction(instruction), _button(BACK_TO_SEARCH)]


def _page(pieces: Iterable[Piece]) -> Page:
    """The pieces that a parsed document has: blank text is one space, or nothing where it holds a
    line break."""
    return tuple(
        piece if piece.text.strip(_BLANK) else Piece(" ", piece.kind, piece.group)
        for piece in pieces
        if piece.text.strip(_BLANK) or (piece.text and "\n" not in piece.text)
    )
