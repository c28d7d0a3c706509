from .audit import AuditEntry
from .files import Imported
from .guard import Guarded, Lesson, MemoryGuard, Quarantine, recall
from .keys import memory_key
from .layers import Layers
from .memory import Memory
from .record import USES, Found, MemoryRecord, Provenance, Retriever, Status, Use
from .retention import Retention
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
    "Imported",
    "Layers",
    "Lesson",
    "Memory",
    "MemoryGuard",
    "MemoryRecord",
    "MemoryStore",
    "NearestErrors",
    "Provenance",
    "Quarantine",
    "Retention",
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
