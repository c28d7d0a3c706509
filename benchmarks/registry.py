"""Environments by name."""

from __future__ import annotations

from typing import Any

from ..tools.imported import imported, with_options
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
    environment = with_options(made, name, options)
    if not isinstance(environment, Environment):
        raise ValueError(f"{place} is not a symposia.benchmarks.Environment")
    return environment
