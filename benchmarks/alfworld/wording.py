"""`put X in/on Y` and `move X to Y`: the older and the newer words for the same command.

The games that were published as 2.1.1 say `put`, those that newer packages make say `move`, and the
papers' prompts say `put`. Whole transcripts can be reworded: commands, answers and the help text.
"""

from __future__ import annotations

import re
from typing import Literal

Wording = Literal["put", "move"]

_NAME = r"(the |)(\w+ \d+|\(\w+\))"
_PUT = re.compile(rf"\bput {_NAME} in/on {_NAME}")
_MOVE = re.compile(rf"\bmove {_NAME} to {_NAME}")


def reword(text: str, wording: Wording) -> str:
    """The same text with either wording of what it says about putting things down."""
    if wording == "move":
        return _PUT.sub(r"move \1\2 to \3\4", text)
    return _MOVE.sub(r"put \1\2 in/on \3\4", text)
