"""Environments by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .environment import Environment

ENVIRONMENTS = {
    "alfworld": "symposia.benchmarks.alfworld:ALFWorld",
    "webshop": "symposia.benchmarks.webshop:WebShop",
}
"""Name to `module:class`, so that an environment is imported only when it is made."""


def make_environment(name: str, **options: Any) -> Environment:
    """The environment called `name`, or the one at `module:Class` (your own).

    Args:
        options: the environment's own settings.

    Raises:
        ValueError: there is none, or it does not take an option; the message lists what exists.
        ImportError: a package is missing; the message names the pip command.
    """
    place = ENVIRONMENTS.get(name, name)
    module, _, cls = place.partition(":")
    if not cls:
        raise ValueError(
            f"unknown environment {name!r}; there are: {', '.join(ENVIRONMENTS)}; "
            "your own is named as module:Class"
        )
    try:
        made = getattr(import_module(module), cls)
    except (ModuleNotFoundError, AttributeError) as error:
        raise ValueError(f"no environment at {place!r}: {error}") from error
    try:
        environment = made(**options)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from error
    if not isinstance(environment, Environment):
        raise ValueError(f"{place} is not a symposia.benchmarks.Environment")
    return environment
