"""What the options of a command stand for: a model, a budget, an environment, a file to write."""

from __future__ import annotations

import json
import os
import sys
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from ..benchmarks import Environment
    from ..episodes import Budget
    from ..graphs.spec import TeamSpec
    from ..models import PriceTable


def model_of(
    spec: str, temperature: float | None, cassette: Path | None = None, replay: bool = False
) -> BaseChatModel:
    """The chat model of --model, with its temperature, behind its cassette.

    Raises:
        ValueError: it does not take a setting; the message names it.
    """
    from pydantic import ValidationError

    from ..models import Cassette, load_model

    if replay and cassette is None:
        raise ValueError("--replay needs a cassette: add --cassette FILE")
    tape = Cassette(cassette, "replay" if replay else "lenient") if cassette else None

    if spec == "tiny" or spec.startswith("hf:"):
        hush_transformers()
    try:
        options = {} if temperature is None else {"temperature": temperature}
        return load_model(spec, cassette=tape, **options)
    except ValidationError as error:
        wrong = error.errors()[0]
        unknown = wrong["type"] == "extra_forbidden"
        reason = "this model has no such setting" if unknown else wrong["msg"]
        field = ".".join(map(str, wrong["loc"]))
        raise ValueError(f"model {spec!r}: {field}={wrong['input']!r}: {reason}") from error


def hush_transformers() -> None:
    """One progress bar on the screen is enough, and it is the run's; what will change in packages
    is not the user's to mend."""
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    with suppress(ImportError):
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def prices_of(
    file: Path | None, model: BaseChatModel | None = None, *limits: float | None
) -> PriceTable:
    """The prices of --prices, in front of the packaged ones.

    Raises:
        UnknownCostError: one of `limits` is a limit on money, and `model` has no price.
    """
    from ..models import PriceTable

    prices = PriceTable.load(file)
    if model is not None and any(limit is not None for limit in limits):
        prices.require(model)
    return prices


def budget_of(**limits: Any) -> Budget:
    """The budget with these limits; None means none."""
    from ..episodes import Budget

    return Budget(**limits)


def will_write(file: Path | None, *packages: str) -> None:
    """Refuse, before the work, a file that could not be written after it."""
    if file is None:
        return
    require_packages(str(file), "view", *packages)
    if file.is_dir() or not os.access(file.parent, os.W_OK | os.X_OK):
        raise ValueError(f"cannot write {file}: name a file in a folder that can be written")


def require_packages(what: str, extra: str, *packages: str) -> None:
    """Refuse, before the work, what needs a package that is not installed.

    Raises:
        ImportError: a package is missing; the message has the pip command.
    """
    for package in packages:
        if find_spec(package) is None:
            raise ImportError(f'{what} needs {package}: pip install "symposia[{extra}]"')


def settings_of(
    data: Path | None, options: list[str] | None, flag: str = "--option"
) -> dict[str, Any]:
    """What the user set of the environment."""
    return ({} if data is None else {"data": str(data)}) | pairs_of(options, flag)


def pairs_of(pairs: list[str] | None, flag: str) -> dict[str, Any]:
    """What the user set by `flag name=value`; values are JSON, or texts.

    Raises:
        ValueError: one is written otherwise.
    """
    settings: dict[str, Any] = {}
    for pair in pairs or []:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"{flag} {pair!r}: write it as name=value")
        try:
            settings[key] = json.loads(text)
        except json.JSONDecodeError:
            settings[key] = text
    return settings


def world_of(name: str, settings: dict[str, Any]) -> Environment:
    """The environment of that name, or of the user's module."""
    from ..benchmarks import make_environment

    find_own(name)
    return make_environment(name, **settings)


def team_of(name: str) -> TeamSpec:
    """The team of that name, or of the user's module."""
    from ..graphs.teams import team_spec

    find_own(name)
    return team_spec(name)


def find_own(name: str) -> None:
    """The user's module may stand in the current folder."""
    if ":" in name:
        sys.path.append("")
