"""Text that a model reads as data: in quotes, on one line, with nothing that could end them.

What was said before, by models, tools and strangers, comes back into prompts when a conversation is
condensed or folded. Written as JSON, with angle brackets and invisible characters escaped, it can
neither close its quotes nor open a tag, a role or a special token of some chat template.
"""

from __future__ import annotations

import json
import re
import unicodedata

HIDDEN = ("C", "Zl", "Zp")
"""Unicode categories of characters that control, have no agreed meaning, or break lines."""
_SUSPECT = re.compile(r"[<>]|[^\x20-\x7e]")


def quoted(value: object) -> str:
    """`value` as JSON text that cannot be taken for anything but data.

    Raises:
        TypeError: it is not made of JSON's types.
    """
    return _SUSPECT.sub(_escaped, json.dumps(value, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character not in "<>" and not unicodedata.category(character).startswith(HIDDEN):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
