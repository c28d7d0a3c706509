"""Several memories asked as one: an agent's own, its team's, and what all share."""

from __future__ import annotations

import asyncio

from ..tools.fusion import fused
from .record import Found, Retriever


class Layers(Retriever):
    """Finds in several places, and joins their rankings.

    Args:
        layers: where to look; of records ranked alike, the first layer's comes first.

    Raises:
        ValueError: there is none.
    """

    def __init__(self, *layers: Retriever) -> None:
        if not layers:
            raise ValueError("nothing to search: give a memory, or several")
        self._layers = layers

    async def search(self, query: str, *, k: int = 5) -> list[Found]:
        """The `k` best records of all layers."""
        rankings = await asyncio.gather(*(layer.search(query, k=k) for layer in self._layers))
        held = {
            f"{number:06d} {found.record.key}": found.record
            for number, ranking in enumerate(rankings)
            for found in ranking
        }
        names = [
            [f"{number:06d} {found.record.key}" for found in ranking]
            for number, ranking in enumerate(rankings)
        ]
        return [Found(held[name], score) for name, score in fused(names)[:k]]
