from .record import USES, Found, MemoryRecord, Provenance, Retriever, Status, Use

__all__ = ["USES", "Found", "MemoryRecord", "Provenance", "Retriever", "Status", "Use"]
