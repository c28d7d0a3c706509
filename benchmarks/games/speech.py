"""Reading what players say: one move in square brackets, and words around it.

Actions are written by models and read by other models, so words are cut to one short line before
they are passed on, and an action with two different moves is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

State = TypeVar("State")

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


def speak(
    state: State, action: str, move: Callable[[str], tuple[State, str] | None]
) -> tuple[State, str, str] | None:
    """What an action of words, a move or both leads to.

    Args:
        state: of the game, which words alone leave as it is.
        move: the state after a move, and what to say of it; None if it is impossible.

    Returns:
        The state after, what to say of the move, and the words; None where there are several moves,
        an impossible one, or nothing at all.
    """
    inside = _inside(action)
    if len(inside) > 1:
        return None
    words = _one_line(_BRACKETED.sub(" ", action[:_LOOKED_AT]))
    asked = "".join(inside)
    done = move(asked) if asked else (state, "") if words else None
    return done and (*done, words)


def _inside(action: str) -> list[str]:
    """The different things in brackets."""
    found = (" ".join(each.lower().split()) for each in _BRACKETED.findall(action[:_LOOKED_AT]))
    return list(dict.fromkeys(found))


def _one_line(words: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in words.replace('"', "'"))
    line = " ".join(shown.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
