"""What there is to train with: `symposia recipes`."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from ..training.recipes import RECIPES

PLACES: dict[bool | None, Literal["worlds", "questions", ""]] = {
    True: "worlds",
    False: "questions",
    None: "",
}
"""By whether a recipe's team acts."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A recipe as the command shows it."""

    name: str
    summary: str
    place: Literal["worlds", "questions", "both", ""]
    """What its team is for; empty where the recipe does not say."""
    options: tuple[str, ...]
    paper: str
    arxiv: str
    missing: str
    """What keeps it from being used here; empty where nothing does."""


def recipes() -> list[Listed]:
    """Every recipe that has a name, by name."""
    return [_listed(name, place) for name, place in sorted(RECIPES.items())]


def _listed(name: str, place: str) -> Listed:
    module, _, cls = place.partition(":")
    try:
        made = getattr(import_module(module), cls)
    except ImportError as error:
        return Listed(name, "", "", (), "", "", str(error))
    options = tuple(inspect.signature(made).parameters)
    paper = made.paper
    return Listed(
        name=name,
        summary=made.summary,
        place="both" if "acts" in options else PLACES[made.acts],
        options=options,
        paper=paper.title if paper else "",
        arxiv=paper.arxiv if paper else "",
        missing="",
    )
