from .backend import Backend, End, Exchange, UnavailableError, Worker
from .limits import Limits
from .result import Coverage, Mistake, Result, Status, TestReport, TestResult

__all__ = [
    "Backend",
    "Coverage",
    "End",
    "Exchange",
    "Limits",
    "Mistake",
    "Result",
    "Status",
    "TestReport",
    "TestResult",
    "UnavailableError",
    "Worker",
]
