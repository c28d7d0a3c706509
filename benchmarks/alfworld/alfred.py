"""ALFRED's own tables, as the `alfworld` package ships them."""

from __future__ import annotations

from typing import Any


def fits() -> dict[str, set[str]]:
    """For each receptacle type the object types that fit it."""
    from alfworld.gen.constants import VAL_RECEPTACLE_OBJECTS

    table: dict[str, set[str]] = VAL_RECEPTACLE_OBJECTS
    return table


def abilities() -> dict[str, set[str]]:
    """For each of Heatable, Coolable, Cleanable, Toggleable, Sliceable the object types."""
    from alfworld.gen.constants import VAL_ACTION_OBJECTS

    table: dict[str, set[str]] = VAL_ACTION_OBJECTS
    return table


def goals() -> dict[str, dict[str, Any]]:
    """For each task type its goal in PDDL and its wordings, both with gaps for the types."""
    from alfworld.gen.goal_library import gdict

    table: dict[str, dict[str, Any]] = gdict
    return table
