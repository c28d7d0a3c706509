"""Quoting: how text that nobody vouches for stands in a prompt, as data that commands nothing.

A text becomes one JSON string on one line. No markup, role tag, fence or closing quote of it is one
any more, and what cannot be seen is written out: controls, zero-width and bidirectional characters,
and letters of other scripts that pose as Latin ones within a Latin word. Nothing else is changed,
and nothing is lost: `json.loads` gives back the text, up to the cap.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache

CAP = 2000
"""Characters of one text that are shown."""
LONG = 8000
"""Characters of a question, which are shown to those who judge records for it."""
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
"""Unicode categories that are not seen, or that nobody knows; the plain space is let through."""
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
"""Characters of other categories that show nothing."""
LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u04cf\u051b\u051d"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u03bf\u03b1\u03bd\u03c1\u03b9\u03ba\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d"
    "\u039f\u03a1\u03a4\u03a5\u03a7\u0585\u057d\u0131\u0251\u0261",
    "aeopcyxijsdhlqwABEKMHOPCTYXIJSoavpikABEZHIKMNOPTYXouiag",
)
"""Cyrillic, Greek, Armenian and odd Latin letters that look like plain Latin ones."""
_WORD = re.compile(r"\\u[0-9a-f]{4}|\\.|[^\W\d_]+")
"""A word; an escape is matched whole, so that its letter does not join the word after it."""
_FENCE = re.compile(r"`{3,}")
_CONTROL_TOKEN = re.compile(r"\[(?=/?[A-Z][A-Z_]*\])")
"""The opening bracket of what some models take for a role: `[INST]`, `[/INST]`, ..."""


def quote(text: str, cap: int = CAP) -> str:
    """`text` as a JSON string on one line, with a note of how much was left out past `cap`."""
    written = quote_json(text[:cap])
    left_out = len(text) - cap
    return f"{written} ({left_out:,} characters left out)" if left_out > 0 else written


def quote_json(value: object) -> str:
    """`value` as JSON on one line, with every text in it as `quote` writes it, but whole.

    Raises:
        TypeError: it is not made of JSON's types.
    """
    written = json.dumps(value, ensure_ascii=False)
    written = _WORD.sub(_unmasked, written)
    written = _CONTROL_TOKEN.sub(lambda _: _escaped("["), written)
    written = _FENCE.sub(lambda fence: _escaped("`") * len(fence[0]), written)
    return "".join(map(_shown, written))


def fold(text: str) -> str:
    """`text` as it is compared: without case, lookalikes, what cannot be seen, and spare spaces."""
    seen = (" " if c.isspace() else c for c in unicodedata.normalize("NFKC", text))
    plain = "".join(c for c in seen if not _unseen(c)).translate(LOOKALIKES)
    plain = unicodedata.normalize("NFKC", plain.casefold()).translate(LOOKALIKES)
    return " ".join(plain.split())


@lru_cache(8192)
def _shown(character: str) -> str:
    """A character, or its escape where it is not seen or opens markup once it is normalised."""
    if character == "<" or _unseen(character):
        return _escaped(character)
    if not character.isascii() and set('<"[`') & {*unicodedata.normalize("NFKC", character)}:
        return _escaped(character)
    return character


def _unseen(character: str) -> bool:
    if character.isascii():
        return not character.isprintable()
    return (
        unicodedata.category(character) in UNSEEN
        or character in FILLERS
        or "VARIATION SELECTOR" in unicodedata.name(character, "")
    )


def _unmasked(word: re.Match[str]) -> str:
    """A word that mixes Latin letters with lookalikes, with these escaped."""
    if word[0].isascii() or not any(c.isascii() for c in word[0]):
        return word[0]
    return "".join(_escaped(c) if ord(c) in LOOKALIKES else c for c in word[0])


def _escaped(character: str) -> str:
    """A character as JSON writes it in ASCII."""
    if character.isascii():
        return f"\\u{ord(character):04x}"
    return json.dumps(character)[1:-1]
