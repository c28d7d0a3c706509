"""What a world tells beside its text, as the record keeps it: JSON, without keys, not too long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .secrets import scrub

LONGEST = 2000
"""Characters, as JSON, of what is kept of one observation's `info`."""
_JSON = json.JSONEncoder(allow_nan=False)
_SCALARS = (bool, int, float, type(None))
"""Types of values in which nothing can hide."""


def kept(info: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of `info` that are JSON, in their order, without secrets. An entry for which
    there is no more room is left out whole."""
    found: dict[str, Any] = {}
    room = LONGEST
    for key, value in info.items():
        name = str(key)
        try:
            written = _JSON.encode(value)
        except (TypeError, ValueError, RecursionError):
            continue
        size = len(written) + len(_JSON.encode(name))
        if size <= room and not _secret(name):
            room -= size
            found[name] = value if type(value) in _SCALARS else scrub(json.loads(written))
    return found


def in_words(facts: Mapping[str, Any]) -> str:
    """Facts in a line, to read."""
    told = (
        " ".join(value.split()) if isinstance(value, str) else json.dumps(value)
        for value in facts.values()
    )
    return " · ".join(f"{name}: {value}" for name, value in zip(facts, told, strict=True))


@lru_cache(maxsize=1024)
def _secret(name: str) -> bool:
    """Whether an entry of this name is one for a key. Worlds use few names, and often."""
    return not scrub({name: 0})
