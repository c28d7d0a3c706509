from .agents import (
    Action,
    Actor,
    Agent,
    Answer,
    Critic,
    Critique,
    Judge,
    TeamContext,
    TeamState,
    ToolAgent,
    ToolUser,
    Verdict,
)
from .benchmarks import Environment, Report, evaluate, evaluate_sync, make_environment, play
from .episodes import (
    Budget,
    Episode,
    EpisodeStore,
    Observation,
    Outcome,
    Recorder,
    Task,
    Turn,
)
from .graphs import Team, act, answer, refine, use_tools
from .models import ScriptedModel, load_model
from .tools import ToolPolicy, ToolRegistry

__version__: str

__all__ = [
    "Action",
    "Actor",
    "Agent",
    "Answer",
    "Budget",
    "Critic",
    "Critique",
    "Environment",
    "Episode",
    "EpisodeStore",
    "Judge",
    "Observation",
    "Outcome",
    "Recorder",
    "Report",
    "ScriptedModel",
    "Task",
    "Team",
    "TeamContext",
    "TeamState",
    "ToolAgent",
    "ToolPolicy",
    "ToolRegistry",
    "ToolUser",
    "Turn",
    "Verdict",
    "__version__",
    "act",
    "answer",
    "evaluate",
    "evaluate_sync",
    "load_model",
    "make_environment",
    "play",
    "refine",
    "use_tools",
]
