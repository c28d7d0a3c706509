"""Long conversations, cut to windows that fit a row.

Each window begins with the head, which says what is to be done, and goes on with a run of the
conversation that an assistant's message begins. What is trained is a target in one window only; the
first messages of a later window are there to be read. A model that is trained so should play so:
with its context cut to the head and the latest turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from ..checks import require_as_many


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a conversation, for `written`."""

    messages: tuple[BaseMessage, ...]
    trained: tuple[bool, ...]


def windows(
    messages: Sequence[BaseMessage],
    trained: Sequence[bool],
    turns: int,
    *,
    overlap: int = 0,
) -> list[Window]:
    """The windows of a conversation, in its order; a short one is a single window. A window in
    which nothing is trained is left out.

    Args:
        messages: the conversation. All before the first assistant's message is the head.
        trained: of each message, whether its tokens are targets.
        turns: assistant's messages in a window, at most.
        overlap: how many of them are there only to be read, after the first window.

    Raises:
        ValueError: a window would not move on, or there are not as many marks as messages.
    """
    require_as_many("marks", trained, "messages", messages)
    if turns < 1 or not 0 <= overlap < turns:
        raise ValueError(
            f"turns={turns}, overlap={overlap}: a window has to hold a turn beside those it repeats"
        )
    starts = [place for place, each in enumerate(messages) if each.type == "ai"]
    if not starts:
        return []
    head, ends = starts[0], [*starts[1:], len(messages)]
    cut = []
    for first in range(0, max(len(starts) - overlap, 1), turns - overlap):
        last = min(first + turns, len(starts)) - 1
        learnt = starts[first + overlap if first else first]
        begin, end = starts[first], ends[last]
        marks = [place >= learnt and trained[place] for place in range(begin, end)]
        if any(marks):
            cut.append(Window((*messages[:head], *messages[begin:end]), (*[False] * head, *marks)))
    return cut
