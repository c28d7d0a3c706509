from .chain import Chain
from .context import ContextBudget, ContextTooSmallError, model_condenser
from .errors import ErrorMemory, NearestErrors, SketchedErrors
from .exchanges import BrokenConversationError, check_calls, exchanges
from .quoting import quoted
from .replay import SpacedReplay, View
from .rewrites import RewriteTable, Session, best_rewrite, chain_of
from .tried import Attempt, Tried

__all__ = [
    "Attempt",
    "BrokenConversationError",
    "Chain",
    "ContextBudget",
    "ContextTooSmallError",
    "ErrorMemory",
    "NearestErrors",
    "RewriteTable",
    "Session",
    "SketchedErrors",
    "SpacedReplay",
    "Tried",
    "View",
    "best_rewrite",
    "chain_of",
    "check_calls",
    "exchanges",
    "model_condenser",
    "quoted",
]
