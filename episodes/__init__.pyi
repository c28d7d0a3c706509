from .episode import Episode, Outcome
from .files import export, to_markdown
from .ledger import Budget, BudgetExceeded, Ledger, Usage
from .paper import Paper
from .provenance import manifest
from .recorder import RecordedWorld, Recorder, current_recorder
from .secrets import error_text, scrub
from .store import EpisodeStore
from .task import Task
from .turn import Step, Tokens, ToolCall, Turn
from .world import Observation, World

__all__ = [
    "Budget",
    "BudgetExceeded",
    "Episode",
    "EpisodeStore",
    "Ledger",
    "Observation",
    "Outcome",
    "Paper",
    "RecordedWorld",
    "Recorder",
    "Step",
    "Task",
    "Tokens",
    "ToolCall",
    "Turn",
    "Usage",
    "World",
    "current_recorder",
    "error_text",
    "export",
    "manifest",
    "scrub",
    "to_markdown",
]
