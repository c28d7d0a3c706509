"""reasoning-gym: a hundred families of puzzles with a scorer each, made from seeds.

Importing this package is cheap; `reasoning_gym` is loaded with the first task.
"""

from .environment import ReasoningGym

__all__ = ["ReasoningGym"]
