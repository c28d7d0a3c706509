"""A shop: the catalogue and the goals that customers come with, shared by worlds and only read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ..cache import cache_folder
from .catalogue import Catalogue, build_catalogue, open_catalogue
from .files import OfficialFiles
from .generator import GeneratedShop
from .goals import Goal, draw_goals, read_goals, write_goals

GENERATED_PRODUCTS = 200
"""Products of a generated shop, unless told otherwise."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shop:
    """What is sold, and what is asked for."""

    catalogue: Catalogue
    goals: dict[str, Goal]
    faults: dict[str, int]
    """What was left out of the data and why, with how many."""


def open_shop(
    data: Path | None = None,
    goals: Path | None = None,
    *,
    products: int | None = None,
    human: bool = False,
    seed: int = 0,
) -> Shop:
    """Open a shop; its catalogue is built in the cache folder if it is not there yet.

    Args:
        data: the folder of the official files, or its file of products. None: a generated shop.
        goals: a manifest. None: all goals of the catalogue, drawn with `seed`.
        products: read only so many; or how many to generate.
        human: draw the crowd workers' goals instead of the synthetic ones.
        seed: of the generated products and of what is drawn.

    Raises:
        ValueError: the data or the manifest cannot be read, or there are no goals.
        OSError: a file cannot be read, or the cache not be written.
        ImportError: numpy is missing; the message says how to install it.
    """
    _require_numpy()
    source = (
        GeneratedShop(products or GENERATED_PRODUCTS, seed)
        if data is None
        else OfficialFiles(data.expanduser().absolute(), products)
    )
    catalogue = open_catalogue(build_catalogue(source, cache_folder() / "webshop"))
    faults = dict(catalogue.faults)
    if goals is None:
        found = draw_goals(catalogue, seed, human=human)
    else:
        found, wrong = read_goals(goals.expanduser(), seed)
        strange = {name for name, goal in found.items() if not catalogue.sells(goal["asin"])}
        found = {name: goal for name, goal in found.items() if name not in strange}
        faults |= wrong
        if strange:
            faults[f"{goals.name}: a goal whose product is not in the catalogue"] = len(strange)
    for fault, count in faults.items():
        _log.warning("left out of the shop: %s (%d)", fault, count)
    if not found:
        where = goals or f"{data or 'the generated shop'} ({'human' if human else 'synthetic'})"
        raise ValueError(f"no goals in {where}; left out: {faults or 'nothing'}")
    return Shop(catalogue, found, faults)


def save_goals(
    file: Path,
    data: Path | None = None,
    *,
    products: int | None = None,
    human: bool = False,
    seed: int = 0,
) -> Shop:
    """Draw the goals of a shop and save them as a manifest for `WebShop(goals=...)`.

    Args: as of `open_shop`.

    Raises:
        ValueError: the data cannot be read, or there are no goals.
        OSError: a file cannot be read or written.
    """
    shop = open_shop(data, products=products, human=human, seed=seed)
    write_goals(shop.goals, file)
    return shop


def _require_numpy() -> None:
    try:
        import_module("numpy")
    except ImportError as error:
        raise ImportError(
            f'WebShop needs a package that is missing ({error}): pip install "symposia[webshop]"'
        ) from error
