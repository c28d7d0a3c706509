"""Trees as JSON, so that a search can leave its tree in the record.

A node keeps what differs from the default; its place in the list is its number, and the list of
children follows from the parents. What is read back is checked: a record may come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ..agents import Action, Answer, Move, Proposal, Thought
from .tree import Node, Tree

PROPOSALS: tuple[type[Proposal], ...] = (Action, Answer, Thought, Move)
"""What trees hold, unless a reader names other types."""
DERIVED = ("id", "children")
"""What the order of the nodes and their parents tell."""
_DEFAULTS = {each.name: each.default for each in fields(Node) if each.name not in DERIVED}


class _Told(BaseModel):
    """A node as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True)

    parent: int | None = None
    depth: int = 0
    action: dict[str, Any] | None = None
    text: str = ""
    branch: str = ""
    said: str = ""
    terminal: bool = False
    reward: float = 0.0
    prior: float = 0.0
    grade: float | None = None
    rollout: float | None = None
    value: float = 0.0
    visits: int = 0
    total: float = 0.0
    closed: bool = False
    misses: int = 0


def tree_to_json(tree: Tree) -> dict[str, Any]:
    """`tree` as JSON values."""
    return {
        "nodes": [_node(node) for node in tree],
        "focus": tree.focus,
        "rounds": tree.rounds,
        "descents": tree.descents,
    }


def tree_from_json(
    data: Mapping[str, Any], proposals: Iterable[type[Proposal]] = PROPOSALS
) -> Tree:
    """The tree that `tree_to_json` wrote.

    Args:
        proposals: the types that its actions may have.

    Raises:
        ValueError: something is missing or damaged, or an action is of another type; the message
            says where.
    """
    kinds = {each.__name__: each for each in proposals}
    if not isinstance(data, Mapping) or not isinstance(nodes := data.get("nodes"), list):
        raise ValueError("this is no tree of a search: it has no list of nodes")
    counts = {name: data.get(name, 0) for name in ("focus", "rounds", "descents")}
    for name, count in counts.items():
        if type(count) is not int or count < 0:
            raise ValueError(f"the tree's {name} is a number from 0 on, not {count!r}")
    if counts["focus"] and counts["focus"] >= len(nodes):
        raise ValueError(f"the tree's focus is {counts['focus']}, and it has {len(nodes)} nodes")
    tree = Tree(**counts)
    for place, told in enumerate(nodes):
        try:
            tree.add(_read(place, told, kinds))
        except ValueError as error:
            raise ValueError(f"node {place} of the tree cannot be read: {error}") from error
    return tree


def _node(node: Node) -> dict[str, Any]:
    told = {
        name: held
        for name, default in _DEFAULTS.items()
        if (held := getattr(node, name)) != default
    }
    if node.action is not None:
        written = node.action.model_dump(mode="json", exclude_defaults=True)
        told["action"] = {type(node.action).__name__: written}
    return told


def _read(place: int, told: Any, kinds: Mapping[str, type[Proposal]]) -> Node:
    try:
        read = _Told.model_validate(told)
        action = None if read.action is None else _action(read.action, kinds)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    parent = read.parent
    if (parent is None) != (place == 0) or (parent is not None and not 0 <= parent < place):
        raise ValueError(f"its parent is {parent!r}; parents come before their children")
    return Node(place, **{**dict(read), "action": action})


def _action(told: Mapping[str, Any], kinds: Mapping[str, type[Proposal]]) -> Proposal:
    kind, *more = told or [""]
    if more or kind not in kinds:
        raise ValueError(f"its action is of type {', '.join(told)!r}; name it in `proposals`")
    return kinds[kind].model_validate(told[kind])
