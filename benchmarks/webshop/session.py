"""One customer's session: where they are, and where an action leads.

A state is a value. `Session.after` gives the next one and never raises, whatever the action says.
"""

from __future__ import annotations

import json
import random
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Any, Literal

from .catalogue import Catalogue
from .goals import Goal
from .pages import (
    BACK_TO_SEARCH,
    BUY,
    NEXT,
    PREVIOUS,
    SEARCH,
    SUB_PAGES,
    Format,
    Kind,
    Page,
    Piece,
    clickables,
    done_page,
    item_page,
    render,
    results_page,
    start_page,
    sub_page,
)
from .reward import Nouns, Reward, reward_of
from .search import HITS

PER_PAGE = 10
"""Results on a page."""
Place = Literal["index", "search_results", "item_page", "item_sub_page", "done"]
_SITE = "http://127.0.0.1:3000"


@dataclass(frozen=True, slots=True)
class State:
    """Where a customer is. Picklable, and all there is to a session."""

    place: Place = "index"
    query: str = ""
    number: int = 1
    """Of the page of results."""
    searches: int = 0
    """Result pages seen since the start page."""
    product: int = -1
    """The number of the product that is looked at."""
    sub: str = ""
    """Which further page of it."""
    options: tuple[tuple[str, str], ...] = ()
    """What has been chosen, in the order of the first choice: name and value."""
    visited: frozenset[str] = frozenset()
    """Products opened since the start page, by asin."""
    reward: Reward | None = None
    """Of the purchase, on the last page."""


@dataclass(frozen=True, slots=True)
class Session:
    """The rules of one session: its shop, its goal, and whether the official quirks are kept."""

    catalogue: Catalogue
    goal: Goal
    identity: str
    nouns: Nouns
    strict: bool = True
    show_attributes: bool = False

    def after(self, state: State, page: Page, action: str) -> State | None:
        """The state that an action on the page of a state leads to; None if it is not possible."""
        name, argument = parse_action(action)
        argument = argument.lower()
        if name == "search" and argument and (self.strict or state.place == "index"):
            return self._results(replace(state, query=argument), 1)
        if name == "click" and argument != SEARCH.lower():
            clicked = clickables(page).get(argument)
            if clicked is not None:
                return self._clicked(state, argument, clicked)
        return None

    def page(self, state: State) -> Page:
        """The page that a state shows."""
        told = self.goal["instruction_text"]
        if state.place == "index":
            return start_page(told)
        if state.place == "search_results":
            found = self._found(state) or ()
            products = [self.catalogue.product(number) for number in _shown(state, found)]
            return results_page(told, products, state.number, len(found))
        product = self.catalogue.product(state.product)
        if state.place == "item_page":
            return item_page(told, product, show_attributes=self.show_attributes)
        if state.place == "item_sub_page":
            return sub_page(told, product, state.sub)
        return done_page(
            product.asin, dict(state.options), state.reward.value if state.reward else 0
        )

    def text(self, state: State, page: Page, form: Format) -> str:
        """What the agent reads of a page."""
        if form == "text" or state.place == "done":
            return render(page, form)
        chosen: Container[str] = {value for _, value in state.options}
        if self.strict:
            url = self._url(state)
            values = (piece.text for piece in page if piece.kind is Kind.OPTION)
            chosen = {value for value in values if f'"{value}"' in url}
        return render(page, form, chosen=chosen, visited=state.visited)

    def actions(self, state: State, page: Page) -> tuple[str, ...]:
        """The possible actions in page order, `search[<query>]` where the page offers a search."""
        if state.place == "index":
            return ("search[<query>]",)
        names = (name for name in clickables(page) if name != SEARCH.lower())
        return tuple(f"click[{name}]" for name in names if can_be_typed(name))

    def _clicked(self, state: State, name: str, clicked: Piece) -> State | None:
        if clicked.kind is Kind.OPTION and not (self.strict and name in _BUTTONS):
            return _chosen(state, clicked.group, name)
        if clicked.kind is Kind.PRODUCT:
            return self._opened(state, clicked.text)
        if name == BUY.lower():
            return self._bought(state)
        if name == BACK_TO_SEARCH.lower():
            return State()
        if name in SUB_PAGES:
            return replace(state, place="item_sub_page", sub=SUB_PAGES[name])
        return self._turned(state, name, clicked)

    def _turned(self, state: State, name: str, clicked: Piece) -> State | None:
        """After `< prev` or `next >`."""
        at = self._place_by_name(state)
        if at == "search_results":
            return self._results(state, state.number + (1 if name == NEXT.lower() else -1))
        if name == PREVIOUS.lower() and at == "item_page":
            return self._results(state, state.number)
        if clicked.kind is Kind.OPTION:
            return _chosen(state, clicked.group, name)
        return replace(state, place="item_page", sub="")

    def _place_by_name(self, state: State) -> str:
        """Where the customer is, officially by the first name of a page that the address holds."""
        if not self.strict:
            return state.place
        places = ("search_results", "item_page", "item_sub_page", "done")
        return next((place for place in places if place in self._url(state)), "")

    def _results(self, state: State, number: int) -> State | None:
        after = replace(
            state,
            place="search_results",
            number=number,
            searches=state.searches + 1,
            product=-1,
            sub="",
            options=(),
            reward=None,
        )
        return None if self._found(after) is None else after

    def _opened(self, state: State, asin: str) -> State:
        shown = _shown(state, self._found(state) or ())
        number = next(each for each in shown if self.catalogue.product(each).asin == asin)
        return replace(state, place="item_page", product=number, visited=state.visited | {asin})

    def _bought(self, state: State) -> State:
        reward = reward_of(
            self.catalogue.product(state.product),
            dict(state.options),
            self.catalogue.prices(self.goal["seed"])[state.product],
            self.goal,
            self.nouns,
            strict=self.strict,
        )
        return replace(state, place="done", reward=reward)

    def _found(self, state: State) -> tuple[int, ...] | None:
        """The results of the search, officially with its hidden operators; None where an operator
        would make the official environment fail."""
        words = state.query.split(" ")
        if not self.strict or words[0] not in _OPERATORS:
            return self.catalogue.search(state.query)
        if words[0] == "<r>":
            rng = random.Random(f"{self.goal['seed']} {self.identity} {state.searches}")
            return tuple(rng.sample(range(len(self.catalogue)), min(HITS, len(self.catalogue))))
        if words[0] == "<c>" and len(words) > 1:
            return self.catalogue.listed("category", words[1].strip())
        if words[0] == "<q>":
            return self.catalogue.listed("query", " ".join(words[1:]).strip())
        return None

    def _url(self, state: State) -> str:
        """The address in the official browser, on which some of its behaviour depends."""
        if state.place == "index":
            return f"{_SITE}/{self.identity}"
        keywords = "+".join(state.query.split(" "))
        if state.place == "search_results":
            return f"{_SITE}/search_results/{self.identity}/{keywords}/{state.number}"
        asin = self.catalogue.product(state.product).asin
        chosen: Any = dict(state.options)
        parts = [_SITE, state.place, self.identity, asin, keywords, str(state.number)]
        if state.place == "item_page":
            return "/".join([*parts, json.dumps(chosen)])
        return "/".join([*parts, state.sub, str(chosen)])


_OPERATORS = ("<r>", "<a>", "<c>", "<q>")
_BUTTONS = {BUY.lower(), BACK_TO_SEARCH.lower(), PREVIOUS.lower(), NEXT.lower(), *SUB_PAGES}


def _shown(state: State, found: tuple[int, ...]) -> tuple[int, ...]:
    """The results on the page of a state."""
    return found[(state.number - 1) * PER_PAGE : state.number * PER_PAGE]


def _chosen(state: State, name: str, value: str) -> State:
    """The state with an option chosen."""
    return replace(state, options=tuple((dict(state.options) | {name: value}).items()))


def parse_action(action: str) -> tuple[str, str]:
    """The name and the argument of `name[argument]`, the argument empty if there is none.

    The argument lies between the last `[` and the last `]` of the first line.
    """
    line = action.partition("\n")[0]
    end = line.rfind("]")
    start = line.rfind("[", 1, max(end - 1, 0))
    return (line, "") if start < 0 else (line[:start], line[start + 1 : end])


def can_be_typed(name: str) -> bool:
    """Whether `parse_action` finds the name in `click[name]`."""
    return bool(name) and "\n" not in name and "[" not in name[:-1]
