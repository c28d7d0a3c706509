"""Reading what players say: one move in square brackets, and words around it.

Actions are written by models and read by other models, so words are cut to one short line before
they are passed on, and an action with two different moves is none.
"""

from __future__ import annotations

import re

LONGEST = 300
"""Characters of talk that reach the other player; the rest is cut."""
_LOOKED_AT = 20_000
"""Characters of an action that are read at all."""
_BRACKETED = re.compile(r"\[([^\[\]]{1,80})\]")


def read_move(action: str) -> str | None:
    """The move in an action, in lower case: in brackets, or bare; None where there are several."""
    inside = _inside(action)
    if not inside:
        bare = action[:_LOOKED_AT].strip().lower()
        return bare if len(bare) <= 80 else None
    return inside[0] if len(inside) == 1 else None


def read_speech(action: str) -> tuple[str, str] | None:
    """The move in an action, empty if there is none, and the words around it; None where there are
    several moves."""
    inside = _inside(action)
    if len(inside) > 1:
        return None
    return (inside[0] if inside else ""), _one_line(_BRACKETED.sub(" ", action[:_LOOKED_AT]))


def _inside(action: str) -> list[str]:
    """The different things in brackets."""
    found = (" ".join(each.lower().split()) for each in _BRACKETED.findall(action[:_LOOKED_AT]))
    return list(dict.fromkeys(found))


def _one_line(words: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in words.replace('"', "'"))
    line = " ".join(shown.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
