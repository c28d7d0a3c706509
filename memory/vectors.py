"""Vectors of what is remembered: made by any LangChain embeddings, checked before they are kept."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from ..tools.fulltext import indexable
from ..tools.vectors import unit_vector
from .sealing import Stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 256
"""Texts that are embedded in one call, at most."""


def numbers(vector: str) -> NDArray[Any]:
    """A vector as it is kept, as numbers."""
    import numpy as np

    return np.frombuffer(b64decode(vector), np.float32)


class EmbeddingError(ValueError):
    """The embeddings gave what is no vector, or none that fits the others."""


class Embedder:
    """Embeds texts, and checks what comes back.

    Args:
        embeddings: any LangChain embeddings.
        length: characters of a text that are embedded, from its start.
    """

    def __init__(self, embeddings: Embeddings, length: int) -> None:
        self._embeddings = embeddings
        self._length = length
        self._width: int | None = None
        self.name = type(embeddings).__qualname__
        self._model = getattr(embeddings, "model", None) or getattr(embeddings, "model_name", "")

    async def query(self, text: str) -> list[float]:
        """The vector of a query."""
        vector = await self._embeddings.aembed_query(self._part(text))
        self._check(text, vector)
        return vector

    async def texts(self, texts: Sequence[str]) -> list[str]:
        """A vector a text, of length 1, as 32-bit floats in base64; empty for an empty
        text.

        Raises:
            EmbeddingError: a vector is missing, is as wide as no other, or holds what is no finite
                number.
        """
        filled = [text for text in texts if text.strip()]
        made: list[str] = []
        for start in range(0, len(filled), BATCH):
            part = filled[start : start + BATCH]
            vectors = await self._embeddings.aembed_documents([self._part(text) for text in part])
            if len(vectors) != len(part):
                raise EmbeddingError(
                    f"{self.name} gave {len(vectors)} vectors for {len(part)} texts"
                )
            made.extend(self._check(text, vector) for text, vector in zip(part, vectors))
        vectors_of = iter(made)
        return [next(vectors_of) if text.strip() else "" for text in texts]

    async def complete(self, found: Sequence[Stored]) -> list[Stored]:
        """The records with vectors that these embeddings made: those of others are embedded anew,
        in memory only."""
        if not found:
            return []
        signature = await self.signature()
        wanting = [i for i, stored in enumerate(found) if stored.embedder != signature]
        records = [found[i].record for i in wanting]
        vectors = await self.texts([record.text for record in records])
        actions = await self.texts([record.action for record in records])
        whole = list(found)
        for i, vector, action in zip(wanting, vectors, actions, strict=True):
            whole[i] = replace(found[i], embedder=signature, vector=vector, action_vector=action)
        return whole

    async def width(self) -> int:
        """Numbers in a vector."""
        if self._width is None:
            await self.query("width")
        assert self._width is not None
        return self._width

    async def signature(self) -> str:
        """What tells these embeddings' vectors from others': their class, the name of their model
        where they tell it, the width, and how much of a text they see."""
        return f"{self.name} {self._model} {await self.width()} {self._length}"

    def _part(self, text: str) -> str:
        return indexable(text[: self._length])

    def _check(self, text: str, vector: Sequence[float]) -> str:
        try:
            unit = unit_vector(vector)
        except ValueError as error:
            raise EmbeddingError(f"{self.name}: {error}; the text began {text[:60]!r}") from error
        if self._width is None:
            self._width = unit.size
        if unit.size != self._width:
            raise EmbeddingError(
                f"{self.name} gave a vector of {unit.size} numbers after ones of {self._width}; "
                f"the text began {text[:60]!r}"
            )
        return b64encode(unit.tobytes()).decode()
