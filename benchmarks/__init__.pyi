from .environment import Environment, TaskError
from .registry import ENVIRONMENTS, make_environment
from .reports import (
    Comparison,
    Leaderboard,
    Report,
    Row,
    Summary,
    best_of_k,
    compare,
    pass_at_k,
    pass_hat_k,
    to_markdown,
    wilson,
    write_html,
)
from .rollout import Name, play
from .runner import evaluate, evaluate_sync
from .sessions import Sessions, WorkerDiedError
from .shards import Shard, merge

__all__ = [
    "ENVIRONMENTS",
    "Comparison",
    "Environment",
    "Leaderboard",
    "Name",
    "Report",
    "Row",
    "Sessions",
    "Shard",
    "Summary",
    "TaskError",
    "WorkerDiedError",
    "best_of_k",
    "compare",
    "evaluate",
    "evaluate_sync",
    "make_environment",
    "merge",
    "pass_at_k",
    "pass_hat_k",
    "play",
    "to_markdown",
    "wilson",
    "write_html",
]
