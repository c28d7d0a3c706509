"""ALFWorld, the household benchmark: its real engine, many times faster with the same transcripts.

`ALFWorld` plays the official games and, with no download, games that `generate_game` makes from a
seed. `SearchExpert` solves them from the text alone and so shows a model how it is done. Importing
this package is cheap; `textworld` and `alfworld` are loaded with the first game.
"""

from .environment import ALFWorld
from .expert import SearchExpert
from .scenes import TASK_TYPES, TRAINING_SEEDS, generate_game

__all__ = ["TASK_TYPES", "TRAINING_SEEDS", "ALFWorld", "SearchExpert", "generate_game"]
