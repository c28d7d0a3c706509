"""The right to write: made by the runtime for an agent, so that content never names its origin."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from .record import USES, MemoryRecord, Provenance, Use
from .sealing import Stored
from .shelf import Change, Shelf
from .vectors import Embedder

LONGEST_TEXT = 2**20
"""Characters of a text or an action, at most."""
LONGEST_DATA = 2**20
"""Characters of a record's data as JSON, at most."""
LONGEST_KEY = 200
KEY_BYTES = 12


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be remembered, before it is known where it came from."""

    text: str
    action: str = ""
    data: dict[str, Any] | None = None
    uses: frozenset[Use] = USES
    key: str | None = None


class Writer:
    """Writes records into one memory as one writer. `Memory.writer` makes it.

    Whoever holds it can write what they like, but only in this name: the provenance is not theirs
    to give.
    """

    def __init__(
        self, shelf: Shelf, embedder: Embedder, provenance: Provenance, clock: Callable[[], float]
    ) -> None:
        self._shelf = shelf
        self._embedder = embedder
        self._provenance = provenance
        self._clock = clock

    @property
    def provenance(self) -> Provenance:
        """What is written of every record, its time aside."""
        return self._provenance

    async def write(
        self,
        text: str,
        *,
        action: str = "",
        data: dict[str, Any] | None = None,
        uses: frozenset[Use] = USES,
        key: str | None = None,
    ) -> MemoryRecord:
        """Remember a text.

        Without a `key`, the record's key follows from what it says, who writes it, and in which
        episode: the same thing written twice is one record, and a quarantined one stays so.

        Args:
            text: what is searched.
            action: what was done, or is advised.
            data: anything else, as JSON.
            uses: what the record may influence.
            key: the record's name; what this writer wrote under it is replaced.

        Returns:
            The record as it now stands.

        Raises:
            ValueError: the text is empty or too long, the data no JSON, a use unknown, the key
                unusable, or held by another writer or by a record that is not active.
            EmbeddingError: the embeddings gave what is no vector. Nothing is written.
        """
        (record,) = await self.write_all([Draft(text, action, data, uses, key)])
        return record

    async def write_all(self, drafts: Sequence[Draft]) -> list[MemoryRecord]:
        """Remember many texts, embedded and written together; see `write`."""
        stored = await self.embedded([self.checked(draft) for draft in drafts])
        written = await self._shelf.commit([self._change(one) for one in stored])
        return [one.record for one in written if one is not None]

    async def embedded(self, records: Sequence[MemoryRecord]) -> list[Stored]:
        """Records with their vectors, not written yet."""
        vectors = await self._embedder.texts([record.text for record in records])
        actions = await self._embedder.texts([record.action for record in records])
        signature = await self._embedder.signature()
        return [
            Stored(record, True, signature, *pair)
            for record, *pair in zip(records, vectors, actions, strict=True)
        ]

    def checked(self, draft: Draft) -> MemoryRecord:
        """The record that a draft becomes, not written yet; see `write`."""
        for name, text in (("text", draft.text), ("action", draft.action)):
            if len(text) > LONGEST_TEXT:
                raise ValueError(
                    f"{name}: {len(text)} characters are too many, {LONGEST_TEXT} may be: "
                    "keep the whole in a file and remember a summary"
                )
        if not draft.text.strip():
            raise ValueError(f"text: {draft.text!r} says nothing")
        unknown = sorted(set(draft.uses) - USES)
        if unknown:
            raise ValueError(f"uses: no {unknown[0]!r}; there are: {', '.join(sorted(USES))}")
        data = _json(draft.data or {})
        if draft.key is None:
            origin = self._provenance
            said = (origin.writer, origin.run, origin.episode, draft.text, draft.action, data)
            digest = blake2b(json.dumps(said).encode(), digest_size=KEY_BYTES)
            key = digest.hexdigest()
        else:
            key = checked_key(draft.key)
        return MemoryRecord(
            key=key,
            text=draft.text,
            provenance=Provenance(
                writer=self._provenance.writer,
                run=self._provenance.run,
                episode=self._provenance.episode,
                time=self._clock(),
                trust=self._provenance.trust,
            ),
            action=draft.action,
            data=json.loads(data),
            uses=frozenset(draft.uses),
        )

    def _change(self, new: Stored) -> Change:
        def apply(old: Stored | None) -> Stored:
            if old is None or not old.sealed:  # nobody can keep a key by forging a record
                return new
            held = old.record
            if _said(held) == _said(new.record):
                return old
            if held.provenance.writer != new.record.provenance.writer:
                raise ValueError(
                    f"key {held.key!r} is held by writer {held.provenance.writer!r}: "
                    "choose another key"
                )
            if held.status != "active":
                raise ValueError(
                    f"record {held.key!r} is {held.status} ({held.reason}): choose another key"
                )
            return new

        return Change(new.record.key, apply)


def checked_key(key: str) -> str:
    """A key that every store can hold.

    Raises:
        ValueError: it is empty, too long, or holds what is not printable.
    """
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        shown = repr(key if len(key) <= LONGEST_KEY else f"{key[:LONGEST_KEY]}...")
        raise ValueError(f"a key is 1 to {LONGEST_KEY} printable characters, not {shown}")
    return key


def _said(record: MemoryRecord) -> tuple[Any, ...]:
    """All that a writer says with a record, and in which episode."""
    origin = record.provenance
    content = (record.text, record.action, record.data, record.uses)
    return (origin.writer, origin.run, origin.episode, *content)


def _json(data: dict[str, Any]) -> str:
    try:
        text = json.dumps(data, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"data: {error}; give what JSON can hold") from error
    if len(text) > LONGEST_DATA:
        raise ValueError(f"data: {len(text)} characters of JSON are more than {LONGEST_DATA}")
    return text


def clock() -> float:
    """Unix time."""
    return time.time()
