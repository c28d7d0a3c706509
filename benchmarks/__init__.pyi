from .environment import Environment, TaskError
from .html import write_html
from .registry import ENVIRONMENTS, make_environment
from .report import Report, Row, Summary, compare
from .rollout import Name, play
from .runner import evaluate, evaluate_sync
from .sessions import Sessions, WorkerDiedError
from .statistics import wilson

__all__ = [
    "ENVIRONMENTS",
    "Environment",
    "Name",
    "Report",
    "Row",
    "Sessions",
    "Summary",
    "TaskError",
    "WorkerDiedError",
    "compare",
    "evaluate",
    "evaluate_sync",
    "make_environment",
    "play",
    "wilson",
    "write_html",
]
