"""Whether a text keeps to its form: tagged blocks, in order, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks import require_some

SRPO_BLOCKS = ("think", "answer", "reflection", "think", "answer")
"""Of one completion (arXiv 2506.01713), where the format is worth 0.5."""


def in_order(text: str, blocks: Sequence[str]) -> bool:
    """Whether a text is these tagged blocks, in this order, with nothing between or inside them
    that looks like another of the tags.

    Args:
        blocks: the names of the tags, as in `("think", "answer")`.

    Raises:
        ValueError: there are no blocks.
    """
    require_some("blocks", blocks)
    marks = {mark for name in blocks for mark in (f"<{name}>", f"</{name}>")}
    rest = text.strip()
    for name in blocks:
        opening, closing = f"<{name}>", f"</{name}>"
        if not rest.startswith(opening):
            return False
        inside, closed, rest = rest.removeprefix(opening).partition(closing)
        if not closed or any(mark in inside for mark in marks):
            return False
        rest = rest.lstrip()
    return not rest


def toolrl_format(text: str, *, calls: bool, response: bool) -> bool:
    """Whether a turn has the blocks that the right one would have (ToolRL, arXiv 2504.13958): it
    thinks, calls tools if `calls`, and responds if `response`."""
    blocks = ["think", *["tool_call"] * calls, *["response"] * response]
    others = {"tool_call", "response"} - set(blocks)
    return in_order(text, blocks) and not any(f"<{name}>" in text for name in others)


def readable_share(readable: Sequence[bool]) -> float:
    """The share of turns that could be read: V-ToolRL's optional reward (arXiv 2505.08617).

    Raises:
        ValueError: there are no turns.
    """
    require_some("turns", readable)
    return sum(readable) / len(readable)
