from .registry import RECIPES, make_recipe

__all__ = ["RECIPES", "make_recipe"]
