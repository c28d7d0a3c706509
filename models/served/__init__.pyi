from .chat import ServedChatModel
from .resilience import DeadlineError, ServerDownError, ServerError

__all__ = ["DeadlineError", "ServedChatModel", "ServerDownError", "ServerError"]
