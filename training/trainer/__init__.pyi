from .batch import Batch
from .launch import InProcess, Job, Launched, Updater
from .lines import unit
from .objectives import NFT, Objective, PolicyGradient, Preference, Supervised
from .settings import UpdateSettings
from .trainer import AgentTrainer, MismatchError

__all__ = [
    "NFT",
    "AgentTrainer",
    "Batch",
    "InProcess",
    "Job",
    "Launched",
    "MismatchError",
    "Objective",
    "PolicyGradient",
    "Preference",
    "Supervised",
    "UpdateSettings",
    "Updater",
    "unit",
]
