from .audit import AuditEntry
from .guard import Guarded, Lesson, MemoryGuard, Quarantine, recall
from .keys import memory_key
from .memory import Memory
from .record import USES, Found, MemoryRecord, Provenance, Retriever, Status, Use
from .store import MemoryStore
from .vectors import EmbeddingError
from .working import (
    ActiveTools,
    Attempt,
    Chain,
    ContextBudget,
    ContextTooSmallError,
    ErrorMemory,
    Folded,
    NearestErrors,
    RewriteTable,
    SketchedErrors,
    SpacedReplay,
    Tried,
    chain_of,
    fold,
    model_condenser,
    removal_ratios,
)
from .writer import Draft, Writer

__all__ = [
    "USES",
    "ActiveTools",
    "Attempt",
    "AuditEntry",
    "Chain",
    "ContextBudget",
    "ContextTooSmallError",
    "Draft",
    "EmbeddingError",
    "ErrorMemory",
    "Folded",
    "Found",
    "Guarded",
    "Lesson",
    "Memory",
    "MemoryGuard",
    "MemoryRecord",
    "MemoryStore",
    "NearestErrors",
    "Provenance",
    "Quarantine",
    "Retriever",
    "RewriteTable",
    "SketchedErrors",
    "SpacedReplay",
    "Status",
    "Tried",
    "Use",
    "Writer",
    "chain_of",
    "fold",
    "memory_key",
    "model_condenser",
    "recall",
    "removal_ratios",
]
