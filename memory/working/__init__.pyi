from .context import ContextBudget, ContextTooSmallError, model_condenser
from .exchanges import BrokenConversationError, check_calls, exchanges
from .quoting import quoted

__all__ = [
    "BrokenConversationError",
    "ContextBudget",
    "ContextTooSmallError",
    "check_calls",
    "exchanges",
    "model_condenser",
    "quoted",
]
