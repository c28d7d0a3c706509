"""What checkpoints may bring back: the types that teams keep in their state.

A checkpoint is read by LangGraph's serializer, which makes objects again of types that it trusts.
It comes to trust those that a graph's state names, and a proposal's own type is none of them: in
LangGraph's strict mode (`LANGGRAPH_STRICT_MSGPACK`, to become the default) a draft would come back
as a plain dict. Give a checkpointer this serializer and nothing else is trusted, and nothing of a
team's is lost: `AsyncSqliteSaver(connection, serde=serializer())`.
"""

from __future__ import annotations

from collections.abc import Iterator

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from ..agents import Candidate, Output
from ..episodes import Observation, Task


def serializer(*own: type) -> JsonPlusSerializer:
    """A serializer that trusts LangGraph's own types, a team's, and every type of output.

    Types of outputs are those that are loaded by now: import a method, or define your own, first.

    Args:
        own: further types that your nodes keep in the state.
    """
    trusted = (Task, Observation, Candidate, *outputs(Output), *own)
    return JsonPlusSerializer(allowed_msgpack_modules=trusted)


def outputs(base: type[Output]) -> Iterator[type[Output]]:
    """The types of output below `base`."""
    for output in base.__subclasses__():
        yield output
        yield from outputs(output)
