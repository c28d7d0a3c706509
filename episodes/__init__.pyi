from .episode import Episode, Outcome
from .files import export, to_markdown
from .ledger import Budget, BudgetExceeded, Ledger, UnknownCostError, Usage
from .paper import Paper
from .provenance import manifest
from .recorder import (
    EpisodeName,
    Prices,
    RecordedWorld,
    Recorder,
    current_episode,
    current_recorder,
    sub_budget,
)
from .secrets import error_text, scrub
from .store import EpisodeStore
from .task import Task
from .turn import Step, Tokens, ToolCall, Turn
from .world import Observation, World

__all__ = [
    "Budget",
    "BudgetExceeded",
    "Episode",
    "EpisodeName",
    "EpisodeStore",
    "Ledger",
    "Observation",
    "Outcome",
    "Paper",
    "Prices",
    "RecordedWorld",
    "Recorder",
    "Step",
    "Task",
    "Tokens",
    "ToolCall",
    "Turn",
    "UnknownCostError",
    "Usage",
    "World",
    "current_episode",
    "current_recorder",
    "error_text",
    "export",
    "manifest",
    "scrub",
    "sub_budget",
    "to_markdown",
]
