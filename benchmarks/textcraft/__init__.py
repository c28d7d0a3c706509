"""TextCraft, the crafting benchmark: get what lies around, craft the rest, by Minecraft's recipes.

`TextCraft` plays goals of the official recipe files or, with no data, of recipes made from a seed.
`make_plan` solves any of them from the recipes.
"""

from .environment import TextCraft
from .generator import generate_goal
from .recipes import Ingredient, Recipe, RecipeBook
from .solver import make_plan

__all__ = ["Ingredient", "Recipe", "RecipeBook", "TextCraft", "generate_goal", "make_plan"]
