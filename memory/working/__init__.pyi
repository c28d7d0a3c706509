from .active_tools import ActiveTools
from .chain import Chain
from .context import ContextBudget, ContextTooSmallError, model_condenser
from .errors import ErrorMemory, NearestErrors, SketchedErrors
from .exchanges import BrokenConversationError, check_calls, exchanges
from .folding import EpisodicMemory, Folded, ToolMemory, WorkingMemory, fold
from .replay import SpacedReplay, View
from .rewrites import RewriteTable, Session, best_rewrite, chain_of
from .tool_changes import Change, begun, change_of, changes, removal_ratios, turns
from .tried import Attempt, Tried

__all__ = [
    "ActiveTools",
    "Attempt",
    "BrokenConversationError",
    "Chain",
    "Change",
    "ContextBudget",
    "ContextTooSmallError",
    "EpisodicMemory",
    "ErrorMemory",
    "Folded",
    "NearestErrors",
    "RewriteTable",
    "Session",
    "SketchedErrors",
    "SpacedReplay",
    "ToolMemory",
    "Tried",
    "View",
    "WorkingMemory",
    "begun",
    "best_rewrite",
    "chain_of",
    "change_of",
    "changes",
    "check_calls",
    "exchanges",
    "fold",
    "model_condenser",
    "removal_ratios",
    "turns",
]
