"""What was done to records, by whom and why: kept beside them, sealed like them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from langgraph.store.base import PutOp

from .sealing import Namespace, Seal


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done to a record."""

    deed: str
    """mark, delete, forget, import or settle."""
    key: str
    """The record."""
    by: str
    """Who did it."""
    reason: str = ""
    status: str = ""
    """What the record was marked as."""
    time: float = 0.0
    """Unix time."""
    sealed: bool = True
    """Whether its seal was valid; else somebody else wrote it."""


def to_op(place: Namespace, entry: AuditEntry, seal: Seal) -> PutOp:
    """What writes an entry down."""
    key = f"{int(entry.time * 1e6):017d}-{uuid.uuid4().hex}"
    text = json.dumps(asdict(entry))
    return PutOp(place, key, {"entry": text, "seal": seal.sign(place, key, text)}, index=False)


def from_value(place: Namespace, key: str, value: Mapping[str, Any], seal: Seal) -> AuditEntry:
    """An entry as it stands; without a valid seal, what can be read of it."""
    text = value.get("entry")
    if isinstance(text, str) and seal.holds(value.get("seal"), place, key, text):
        return AuditEntry(**json.loads(text))
    return AuditEntry("unknown", key, "unknown", reason=str(dict(value))[:1000], sealed=False)
