"""The code in a reply: bare, or in one fenced block."""

from __future__ import annotations

import re

_FENCED = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)


def code_of(answer: str) -> str | None:
    """The code in an answer: what stands in its one fenced block, or all of it where there is
    none; None where there are several blocks, or nothing."""
    blocks = _FENCED.findall(answer)
    if len(blocks) > 1 or (not blocks and "```" in answer):
        return None
    code: str = blocks[0] if blocks else answer
    return code if code.strip() else None
