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
from .writer import Draft, Writer

__all__ = [
    "USES",
    "AuditEntry",
    "Draft",
    "EmbeddingError",
    "Found",
    "Guarded",
    "Imported",
    "Layers",
    "Lesson",
    "Memory",
    "MemoryGuard",
    "MemoryRecord",
    "MemoryStore",
    "Provenance",
    "Quarantine",
    "Retention",
    "Retriever",
    "Status",
    "Use",
    "Writer",
    "memory_key",
    "recall",
]
