"""What is true in a game, and queries over it.

The planner library owns the state; these facts mirror it so that the grammar can ask questions such
as `inreceptacle(o:object, r:receptacle)`. Answers come in the order in which TextWorld gives them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Placeholder = tuple[str, str]
"""A variable of a query or of an action: its name and its type."""
Binding = dict[Placeholder, str]
"""Which object each placeholder stands for."""
Predicate = tuple[str, tuple[Placeholder, ...]]
"""A predicate over placeholders; a query is a conjunction of them."""


@lru_cache(maxsize=4096)
def parse_query(text: str) -> tuple[Predicate, ...]:
    """The predicates of a query such as `openable(r:receptacle) & opened(r:receptacle)`."""
    from textworld.logic import Rule

    return tuple(
        (condition.name, tuple((place.name, place.type) for place in condition.parameters))
        for condition in Rule.parse_conjunctive_query(text).preconditions
    )


@dataclass(frozen=True, slots=True)
class _Signature:
    predicate: str
    types: tuple[str, ...]


class Facts:
    """A set of ground facts that can be queried.

    Args:
        objects: the type of each object.
        parents: the direct supertypes of each type.
    """

    def __init__(self, objects: Mapping[str, str], parents: Mapping[str, list[str]]) -> None:
        self._objects = objects
        self._types = _hierarchy(parents)
        self._facts: dict[_Signature, set[tuple[str, ...]]] = {}
        self._sorted: dict[_Signature, list[tuple[str, ...]]] = {}
        self._matching: dict[Predicate, list[_Signature]] = {}

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Every fact as (predicate, argument, ...), in no particular order."""
        for signature, rows in self._facts.items():
            for row in rows:
                yield (signature.predicate, *row)

    def copy(self) -> Facts:
        """The same facts, to be changed independently."""
        twin = copy(self)
        twin._facts = {signature: set(rows) for signature, rows in self._facts.items()}
        twin._sorted = dict(self._sorted)
        return twin

    def holds(self, predicate: str, *arguments: str) -> bool:
        return arguments in self._facts.get(self._signature(predicate, arguments), ())

    def add(self, predicate: str, arguments: tuple[str, ...]) -> None:
        signature = self._signature(predicate, arguments)
        self._facts.setdefault(signature, set()).add(arguments)
        self._sorted.pop(signature, None)

    def discard(self, predicate: str, arguments: tuple[str, ...]) -> None:
        signature = self._signature(predicate, arguments)
        self._facts.get(signature, set()).discard(arguments)
        self._sorted.pop(signature, None)

    def matches(self, query: tuple[Predicate, ...], bound: Binding) -> Iterator[Binding]:
        """Every way to complete `bound` so that the query holds; different placeholders always
        stand for different objects."""
        if not query:
            yield bound
            return
        (_, places), rest = query[0], query[1:]
        for signature in self._candidates(query[0]):
            for row in self._rows(signature, places, bound):
                extended = _unify(places, row, bound)
                if extended is not None:
                    yield from self.matches(rest, extended)

    def _rows(
        self, signature: _Signature, places: tuple[Placeholder, ...], bound: Binding
    ) -> list[tuple[str, ...]]:
        known = self._facts.get(signature)
        if not known:
            return []
        if all(place in bound for place in places):
            row = tuple(bound[place] for place in places)
            return [row] if row in known else []
        if signature not in self._sorted:
            self._sorted[signature] = sorted(known)
        return self._sorted[signature]

    def _candidates(self, predicate: Predicate) -> list[_Signature]:
        """The signatures of facts that can match a predicate, given which types are subtypes."""
        if predicate not in self._matching:
            name, places = predicate
            wanted = [self._types.get(kind) for _, kind in places]
            self._matching[predicate] = [
                _Signature(name, tuple(kind.name for kind in kinds))
                for kinds in self._types.multi_subtypes(wanted)
            ]
        return self._matching[predicate]

    def _signature(self, predicate: str, arguments: tuple[str, ...]) -> _Signature:
        return _Signature(predicate, tuple(self._objects[name] for name in arguments))


def _unify(places: tuple[Placeholder, ...], row: tuple[str, ...], bound: Binding) -> Binding | None:
    extended = dict(bound)
    for place, name in zip(places, row, strict=True):
        if place not in extended:
            if name in extended.values():
                return None
            extended[place] = name
        elif extended[place] != name:
            return None
    return extended


def _hierarchy(parents: Mapping[str, list[str]]) -> Any:
    from textworld.logic import Type, TypeHierarchy

    hierarchy = TypeHierarchy()
    for name, above in parents.items():
        hierarchy.add(Type(name, above))
    return hierarchy
