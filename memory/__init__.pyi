from .audit import AuditEntry
from .guard import Guarded, Lesson, MemoryGuard, Quarantine, recall
from .keys import memory_key
from .memory import Memory
from .record import USES, Found, MemoryRecord, Provenance, Retriever, Status, Use
from .store import MemoryStore
from .vectors import EmbeddingError
from .writer import Draft, Writer

__all__ = [
    "USES",
    "AuditEntry",
    "Draft",
    "EmbeddingError",
    "Found",
    "Guarded",
    "Lesson",
    "Memory",
    "MemoryGuard",
    "MemoryRecord",
    "MemoryStore",
    "Provenance",
    "Quarantine",
    "Retriever",
    "Status",
    "Use",
    "Writer",
    "memory_key",
    "recall",
]
