"""What there is to play: `symposia environments`."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module

from ..benchmarks.registry import ENVIRONMENTS


@dataclass(frozen=True, slots=True)
class Listed:
    """An environment as the command shows it."""

    name: str
    summary: str
    splits: tuple[str, ...]
    experts: tuple[str, ...]
    options: tuple[str, ...]
    missing: str
    """What keeps it from being played here; empty where nothing does."""


def environments() -> list[Listed]:
    """Every environment that has a name, by name."""
    return [_listed(name, place) for name, place in sorted(ENVIRONMENTS.items())]


def _listed(name: str, place: str) -> Listed:
    module, _, cls = place.partition(":")
    try:
        made = getattr(import_module(module), cls)
    except ImportError as error:
        return Listed(name, "", (), (), (), str(error))
    words = inspect.cleandoc(made.__doc__ or "").partition("\n\n")[0]
    options = tuple(inspect.signature(made).parameters)
    return Listed(name, " ".join(words.split()), made.splits, made.experts, options, "")
