from .backend import Backend, End, Exchange, UnavailableError, Worker
from .backends import available
from .limits import Limits
from .result import Coverage, Mistake, Result, Status, TestReport, TestResult
from .sandbox import PythonSandbox
from .session import Session

__all__ = [
    "Backend",
    "Coverage",
    "End",
    "Exchange",
    "Limits",
    "Mistake",
    "PythonSandbox",
    "Result",
    "Session",
    "Status",
    "TestReport",
    "TestResult",
    "UnavailableError",
    "Worker",
    "available",
]
