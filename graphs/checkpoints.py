"""Checkpoints of teams: which types a team's state may be read back as, and no others."""

from __future__ import annotations

from collections.abc import Iterator

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel

from ..agents import Candidate
from ..episodes import Observation, Task
from ..models.formats import Output
from .segment import Go, Piece, Writing
from .tree import Node, Tree

TYPES: tuple[type, ...] = (Task, Observation, Candidate, Tree, Node, Writing, Piece, Go)
"""What states hold besides typed outputs and messages."""


def checkpoint_serializer(*further: type) -> JsonPlusSerializer:
    """A serializer for LangGraph's checkpointers that brings back the types of teams' states.

    LangGraph refuses types that it was not told of, or warns of them: they come back as plain
    dictionaries. This one knows ours, and every typed output whose class is there when it is made.

        saver = InMemorySaver(serde=checkpoint_serializer())

    Args:
        further: types of your own states; outputs that subclass ours need not be named.
    """
    known = {*TYPES, *further, *outputs(Output)}
    return JsonPlusSerializer(
        allowed_msgpack_modules=[(each.__module__, each.__qualname__) for each in known]
    )


def outputs(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """All types below `base`."""
    for each in base.__subclasses__():
        yield each
        yield from outputs(each)
