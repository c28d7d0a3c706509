from .batch import Batch
from .lines import Example, unit
from .objectives import NFT, Objective, PolicyGradient, Preference, Supervised
from .settings import UpdateSettings
from .trainer import AgentTrainer, MismatchError

__all__ = [
    "NFT",
    "AgentTrainer",
    "Batch",
    "Example",
    "MismatchError",
    "Objective",
    "PolicyGradient",
    "Preference",
    "Supervised",
    "UpdateSettings",
    "unit",
]
