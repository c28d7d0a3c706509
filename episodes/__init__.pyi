from .around import EpisodeName, current_episode, current_recorder, sub_budget
from .call import Prices
from .episode import Episode, Outcome
from .files import export, to_markdown
from .ledger import Budget, BudgetExceeded, Ledger, UnknownCostError, Usage
from .paper import Paper
from .provenance import manifest
from .recorded_world import RecordedWorld
from .recorder import Recorder
from .secrets import error_text, scrub
from .store import EpisodeStore
from .task import Task
from .turn import Step, Tokens, ToolCall, Turn
from .world import Observation, SnapshotWorld, World, snapshots

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
    "SnapshotWorld",
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
    "snapshots",
    "sub_budget",
    "to_markdown",
]
