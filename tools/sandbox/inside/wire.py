"""JSON, by functions that the user's code cannot replace, and without what `import json` costs.

That brings regular expressions and enumerations along, which the first worker would wait for.
"""

from __future__ import annotations

from _json import encode_basestring_ascii, make_encoder, make_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Context:
    """How values are read: as by `json.loads`."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_int = int
    parse_float = parse_constant = float


_scan = make_scanner(_Context)  # type: ignore[arg-type]
_encode = make_encoder(
    None,
    None,  # type: ignore[arg-type]
    encode_basestring_ascii,
    None,
    ":",
    ",",
    False,
    False,
    False,
)


def decode(frame: bytes) -> dict[str, Any]:
    """An object from JSON."""
    value: dict[str, Any] = _scan(frame.decode(), 0)[0]
    return value


def encode(value: dict[str, Any]) -> bytes:
    """An object as JSON."""
    return "".join(_encode(value, 0)).encode("ascii")
