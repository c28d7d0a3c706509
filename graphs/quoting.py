"""Quoting: how one member's words stand in what another reads, as somebody's text and no more.

Every line of a quote is marked, as in a letter, so that no text can end its own quote, speak as
somebody else, or open a section of the prompt. What is very long is cut in the middle: one member
that writes without end must not fill what all the others read.
"""

from __future__ import annotations

from ..tools.condense import cut

LONGEST = 16_000
"""Characters of one text that are quoted, some 4,000 tokens."""


def quoted(by: str, text: str, longest: int = LONGEST) -> str:
    """`text` as a quote of what `by` said (a name of the team's, or of the text)."""
    lines = cut(text, longest).splitlines() or [""]
    return "\n".join([f"{by}:", *(f"> {line}".rstrip() for line in lines)])
