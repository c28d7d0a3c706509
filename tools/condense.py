"""Making long answers fit: what a model reads of a text that is over its tool's cap."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

Condenser = Callable[[str, int], Awaitable[str]]
"""An async function from a text and the characters allowed to a shorter text."""
HEAD = 0.7
"""The share of the cap that `head_and_tail` gives to the beginning."""

logger = logging.getLogger(__name__)


async def head_and_tail(text: str, cap: int) -> str:
    """The beginning and the end of `text`, with a note of how much was left out between them."""
    return cut(text, cap)


def cut(text: str, cap: int) -> str:
    """`head_and_tail` for code that is not async."""
    if len(text) <= cap:
        return text
    note = f"\n[... {len(text) - cap:,} characters left out ...]\n"
    room = cap - len(note)
    if room <= 0:
        return text[:cap]
    head = int(room * HEAD)
    # The note itself takes room, so a little more is left out than the excess.
    note = f"\n[... {len(text) - room:,} characters left out ...]\n"
    room = cap - len(note)
    return text[:head] + note + text[len(text) - (room - head) :]


async def condensed(text: str, cap: int | None, condense: Condenser) -> str:
    """`text` within `cap` characters. A condenser that fails, or writes too much, is made up for
    by `head_and_tail`, with a warning in the log."""
    if cap is None or len(text) <= cap:
        return text
    try:
        short = await condense(text, cap)
    except Exception:  # a condenser is anybody's code, and the tool has already run
        logger.warning("the condenser failed; the answer was cut instead", exc_info=True)
        short = text
    return short if len(short) <= cap else await head_and_tail(text, cap)
