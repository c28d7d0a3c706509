"""Recipes by name."""

from __future__ import annotations

from typing import Any

from ...tools.imported import imported, with_options
from ..loop.recipe import Recipe

RECIPES = {
    "agent-q": "symposia.training.recipes.agent_q:AgentQ",
    "b-star": "symposia.training.recipes.b_star:BSTaR",
    "co-reward": "symposia.training.recipes.co_reward:CoReward",
    "critique-rl": "symposia.training.recipes.critique_rl:CritiqueRL",
    "grpo": "symposia.training.recipes.grpo:GRPO",
    "nft": "symposia.training.recipes.nft:NFT",
    "re-rest": "symposia.training.recipes.re_rest:ReReST",
    "refcritic": "symposia.training.recipes.refcritic:RefCritic",
    "rest-mcts": "symposia.training.recipes.rest_mcts:ReSTMCTS",
    "rise": "symposia.training.recipes.rise:RISE",
    "rlccf": "symposia.training.recipes.rlccf:RLCCF",
    "score": "symposia.training.recipes.score:SCoRe",
    "spiral": "symposia.training.recipes.spiral:SPIRAL",
    "spo": "symposia.training.recipes.spo:SPO",
    "ttrl": "symposia.training.recipes.ttrl:TTRL",
    "ufo": "symposia.training.recipes.ufo:UFO",
}
"""Name to `module:class`, so that a recipe is imported only when it is made."""


def make_recipe(name: str, /, **options: Any) -> Recipe:
    """The recipe called `name`, or the one at `module:Class` (your own).

    Args:
        options: the recipe's own settings.

    Raises:
        ValueError: there is none, or it does not take an option; the message lists what exists.
        ImportError: a package is missing; the message names it.
    """
    place = RECIPES.get(name, name)
    made = imported(place, "recipe", "Class", RECIPES)
    recipe = with_options(made, name, options)
    if not isinstance(recipe, Recipe):
        raise ValueError(f"{place} is not a symposia.training.loop.Recipe")
    return recipe
