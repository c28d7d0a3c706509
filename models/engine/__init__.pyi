from .engine import ContextLengthError, Engine, EngineMemoryError
from .grammar import Grammar, GrammarError
from .request import Completion, Measures, Request

__all__ = [
    "Completion",
    "ContextLengthError",
    "Engine",
    "EngineMemoryError",
    "Grammar",
    "GrammarError",
    "Measures",
    "Request",
]
