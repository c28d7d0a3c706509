"""Right work with an error planted in it: material for critics, judges and those who recover.

A planted solution is a negative whose first error is known (SPC, arXiv 2504.19162; UI-Genie,
2505.21496; S3c-Math, 2409.01524). A planted detour stands in a conversation to be read, never to be
learnt: its tokens are context, and what was right is trained after it (AskToAct, 2503.01940).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from ..checks import require_as_many

T = TypeVar("T")
Spoil = Callable[[T, random.Random], T | None]
"""A step made wrong; None where it cannot be."""
NUMBER = re.compile(r"\d+")
LARGEST_SLIP = 9


@dataclass(frozen=True, slots=True)
class Planted(Generic[T]):
    """Steps up to an error, the error last: what followed from the right step does not follow."""

    steps: tuple[T, ...]
    right: T
    """What stood in the error's place."""

    @property
    def at(self) -> int:
        """The step at fault, from 0."""
        return len(self.steps) - 1


def planted(steps: Sequence[T], spoil: Spoil[T], rng: random.Random) -> Planted[T]:
    """Steps with an error in one of those that can be spoilt, each as likely as the others.

    Raises:
        ValueError: none of them can be.
    """
    for place in rng.sample(range(len(steps)), len(steps)):
        wrong = spoil(steps[place], rng)
        if wrong is not None and wrong != steps[place]:
            return Planted((*steps[:place], wrong), steps[place])
    raise ValueError(f"none of {len(steps)} steps can be spoilt")


def wrong_number(text: str, rng: random.Random) -> str | None:
    """The text with its last number off by 1 to 9; None where it has none.

    The last number of a step is what was worked out in it.
    """
    found = list(NUMBER.finditer(text))
    if not found:
        return None
    slip = rng.randint(1, LARGEST_SLIP) * rng.choice((1, -1))
    number = int(found[-1][0])
    spoilt = number + slip if number + slip >= 0 else number - slip
    return f"{text[: found[-1].start()]}{spoilt}{text[found[-1].end() :]}"


def other_action(action: str, admissible: Sequence[str], rng: random.Random) -> str | None:
    """Another of the admissible actions; None where there is no other."""
    others = [each for each in admissible if each != action]
    return rng.choice(others) if others else None


def with_detour(
    messages: Sequence[BaseMessage],
    trained: Sequence[bool],
    at: int,
    wrong: str,
    heard: str,
) -> tuple[list[BaseMessage], list[bool]]:
    """A conversation in which the assistant first errs: its error and what the world said to it
    stand before message `at`, and are not trained. The rest stays, marks and all.

    Args:
        at: place of the assistant's message that is right.
        wrong: what it says before.
        heard: what the world really answers to that there. The rest has to be what it answers
            afterwards: an error that changes the world wants the rest played anew.

    Raises:
        ValueError: the message at that place is not the assistant's, or there are not as many marks
            as messages.
    """
    require_as_many("marks", trained, "messages", messages)
    if not 0 <= at < len(messages) or messages[at].type != "ai":
        raise ValueError(f"message {at} of {len(messages)} is not an assistant's")
    detour = [AIMessage(wrong), HumanMessage(heard)]
    return (
        [*messages[:at], *detour, *messages[at:]],
        [*trained[:at], False, False, *trained[at:]],
    )
