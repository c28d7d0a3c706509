from .loop import Listener, Outcome, train, train_sync
from .plan import Plan
from .recipe import Collection, Recipe, Runner, Stage
from .serving import LocalServing, Serving, VLLMServing

__all__ = [
    "Collection",
    "Listener",
    "LocalServing",
    "Outcome",
    "Plan",
    "Recipe",
    "Runner",
    "Serving",
    "Stage",
    "VLLMServing",
    "train",
    "train_sync",
]
