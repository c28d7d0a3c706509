"""Environments by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from ..tools.imported import imported
from .environment import Environment

ENVIRONMENTS = {
    "alfworld": "symposia.benchmarks.alfworld:ALFWorld",
    "aime": "symposia.benchmarks.questions.mathematics:AIME",
    "arithmetic": "symposia.benchmarks.questions.arithmetic:Arithmetic",
    "atlas": "symposia.benchmarks.lookup.atlas:Atlas",
    "bargaining": "symposia.benchmarks.games:BargainingEnvironment",
    "fever": "symposia.benchmarks.lookup.fever:Fever",
    "functions": "symposia.benchmarks.questions.functions:Functions",
    "gsm8k": "symposia.benchmarks.questions.mathematics:GSM8K",
    "gymnasium": "symposia.benchmarks.gym:GymnasiumText",
    "hotpotqa": "symposia.benchmarks.lookup.hotpotqa:HotpotQA",
    "humaneval": "symposia.benchmarks.questions.humaneval:HumanEval",
    "kuhn": "symposia.benchmarks.games:KuhnEnvironment",
    "math500": "symposia.benchmarks.questions.mathematics:Math500",
    "mbpp": "symposia.benchmarks.questions.mbpp:MBPP",
    "mbpp-plus": "symposia.benchmarks.questions.mbpp:MBPPPlus",
    "negotiation": "symposia.benchmarks.games:NegotiationEnvironment",
    "reasoning-gym": "symposia.benchmarks.reasoning:ReasoningGym",
    "textcraft": "symposia.benchmarks.textcraft:TextCraft",
    "tictactoe": "symposia.benchmarks.games:TicTacToeEnvironment",
    "try-again": "symposia.benchmarks.questions.try_again:TryAgain",
    "webshop": "symposia.benchmarks.webshop:WebShop",
}
"""Name to `module:class`, so that an environment is imported only when it is made."""


def make_environment(name: str, /, **options: Any) -> Environment:
    """The environment called `name`, or the one at `module:Class` (your own).

    Args:
        options: the environment's own settings.

    Raises:
        ValueError: there is none, or it does not take an option; the message lists what exists.
        ImportError: a package is missing; the message names it.
    """
    place = ENVIRONMENTS.get(name, name)
    made = imported(place, "environment", "Class", ENVIRONMENTS)
    try:
        environment = made(**options)
    except TypeError as error:
        known = inspect.signature(made).parameters
        reason = _misfit(known, options) or str(error)
        listed = ", ".join(known) or "none"
        raise ValueError(f"{name}: {reason}; its options are: {listed}") from error
    if not isinstance(environment, Environment):
        raise ValueError(f"{place} is not a symposia.benchmarks.Environment")
    return environment


def _misfit(known: Mapping[str, inspect.Parameter], options: Mapping[str, Any]) -> str:
    """Which option is unknown or missing, in the words of whoever set it; empty where none is."""
    kinds = {each.kind for each in known.values()}
    unknown = [key for key in options if key not in known]
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        close = get_close_matches(unknown[0], known, 1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return f"it has no option {unknown[0]!r}{hint}"
    for key, each in known.items():
        required = each.default is each.empty and each.kind not in (
            each.VAR_KEYWORD,
            each.VAR_POSITIONAL,
        )
        if required and key not in options:
            return f"it needs the option {key!r}"
    return ""
