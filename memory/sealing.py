"""Records as the store holds them: sealed, so that nobody but this code can have written them.

A seal is an HMAC-SHA256 (RFC 2104) of the namespace, the key, the record with its provenance, and
its vectors, under a secret that stands outside of the store. What came into the store by another
way, was edited, or was moved to another place has no valid seal; it is read as written by unknown,
not trusted, and quarantined.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from .record import USES, MemoryRecord, Provenance

FORMAT = "symposia memory 1"
"""What a seal covers, in this order; another order is another format."""
UNKNOWN = "unknown"
"""The writer of what has no valid seal."""

Namespace = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A record with what it is found by."""

    record: MemoryRecord
    sealed: bool = True
    """Whether its seal was valid; nothing in it is to be believed otherwise."""
    embedder: str = ""
    """Which embeddings made the vectors."""
    vector: str = ""
    """The vector of its text, 32-bit floats in base64."""
    action_vector: str = ""
    """The vector of its action; empty where it has none."""


class Seal:
    """Seals records and checks seals.

    Args:
        secret: 16 bytes or more that no writer of content can read.

    Raises:
        ValueError: the secret is shorter.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError(f"a key of {len(secret)} bytes can be guessed: give 16 or more")
        self._secret = secret

    def sign(self, namespace: Namespace, *parts: str) -> str:
        """The seal of texts at a place."""
        framed = "".join(f"{len(part)}:{part}" for part in (FORMAT, ".".join(namespace), *parts))
        return hmac.new(self._secret, framed.encode(errors="surrogatepass"), sha256).hexdigest()

    def holds(self, seal: object, namespace: Namespace, *parts: str) -> bool:
        """Whether `seal` is the seal of these texts at this place."""
        good = self.sign(namespace, *parts)
        return isinstance(seal, str) and seal.isascii() and hmac.compare_digest(seal, good)

    def close(self, namespace: Namespace, stored: Stored) -> dict[str, Any]:
        """The value under which `stored` is put into the store.

        The record is one JSON text within it: so no database can change a number or a character.
        """
        record = {name: getattr(stored.record, name) for name in MemoryRecord.__slots__}
        origin = stored.record.provenance
        record["provenance"] = {name: getattr(origin, name) for name in Provenance.__slots__}
        record["uses"] = sorted(stored.record.uses)
        value = {
            "record": json.dumps(record),
            "embedder": stored.embedder,
            "vector": stored.vector,
            "action_vector": stored.action_vector,
        }
        return {**value, "seal": self.sign(namespace, stored.record.key, *value.values())}

    def open(self, namespace: Namespace, key: str, value: Mapping[str, Any]) -> Stored:
        """What stands in the store; where its seal is not valid, quarantined."""
        parts = [value.get(name) for name in ("record", "embedder", "vector", "action_vector")]
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) < len(parts) or not self.holds(value.get("seal"), namespace, key, *texts):
            return Stored(_distrusted(key, value), sealed=False)
        fields = json.loads(texts[0])
        fields["provenance"] = Provenance(**fields["provenance"])
        fields["uses"] = frozenset(fields["uses"])
        return Stored(MemoryRecord(**fields), True, *texts[1:])


def claimed(value: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Text, action and data of a value that nobody vouches for, as far as it has any."""
    said: Any = value
    try:
        held = json.loads(value["record"])
        if isinstance(held, dict):
            said = held
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    text, action, data = said.get("text", said), said.get("action"), said.get("data")
    return (
        text if isinstance(text, str) else json.dumps(text, default=str),
        action if isinstance(action, str) else "",
        data if isinstance(data, dict) else {},
    )


def _distrusted(key: str, value: Mapping[str, Any]) -> MemoryRecord:
    """What can be read of a value without a valid seal, for a person to judge."""
    text, action, data = claimed(value)
    return MemoryRecord(
        key=key,
        text=text,
        provenance=Provenance(UNKNOWN, trust=0.0),
        action=action,
        data=data,
        status="quarantined",
        uses=USES,
        reason="its seal is not valid: it was not written through this store, or was changed since",
    )
