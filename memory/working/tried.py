"""What was tried already: answers that were wrong, plans that failed.

A solver that is told only that it was wrong comes back to the same answers. The remedy that needs
no gold answer is a set of what was tried: it is listed in the next prompt, untried options are
offered where there are options, and of several samples one is drawn among those that are new (among
all, when none is). What counts as the same answer is up to a normaliser; each class of equal
answers is held once, in the order in which it was first tried.

Paper: "Feedback Friction: LLMs Struggle to Fully Incorporate External Feedback", arXiv 2506.11930;
its 25 samples an iteration are `SAMPLES`.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ...episodes.paper import Paper
from ..quoting import quote_json

PAPER = Paper(
    title="Feedback Friction: LLMs Struggle to Fully Incorporate External Feedback",
    arxiv="2506.11930",
    kind="memory",
)
SAMPLES = 25
"""Samples that one answer is chosen from, in the paper."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that was tried."""

    text: str
    why: str = ""
    """Why it failed, where that is known."""
    times: int = 1
    """How often it, or its equal, was tried."""


def plain(text: str) -> str:
    """`text` without differences of case, width, spacing and what punctuation surrounds it."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return folded.strip(" .,;:!?\"'`()[]{}*$") or folded


class Tried:
    """The attempts so far.

    Graphs keep `attempts` in their state, and make a `Tried` of it again.

    Args:
        attempts: tried before.
        same: gives equal keys for answers that are the same; by default those that differ in case,
            spacing and surrounding punctuation only.

    Raises:
        ValueError: a key does not equal itself, as NaN does not.
    """

    def __init__(
        self, attempts: Iterable[Attempt | str] = (), *, same: Callable[[str], Hashable] = plain
    ) -> None:
        self._same = same
        self._held: dict[Hashable, Attempt] = {}
        for attempt in attempts:
            self._take(attempt if isinstance(attempt, Attempt) else Attempt(attempt))

    def add(self, text: str, why: str = "") -> bool:
        """Note an attempt, and why it failed; False when its equal was tried before."""
        return self._take(Attempt(text, why))

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """One attempt of each class, in the order in which they were first tried; `why` is the
        latest reason."""
        return tuple(self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self._held.values())

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and self._key(text) in self._held

    def times(self, text: str) -> int:
        """How often `text`, or its equal, was tried."""
        held = self._held.get(self._key(text))
        return held.times if held else 0

    def untried(self, options: Iterable[str]) -> list[str]:
        """The options that are new, in their order."""
        return [option for option in options if option not in self]

    def choose(self, samples: Sequence[str], seed: int | str) -> str:
        """One sample, drawn evenly among those that are new; among all, when none is.

        Raises:
            ValueError: there are no samples.
        """
        if not samples:
            raise ValueError("there is nothing to choose from: no samples were given")
        return random.Random(seed).choice(self.untried(samples) or list(samples))

    def told(self) -> str:
        """What a model is told: a line for each attempt, quoted, with the reason; empty when
        nothing was tried."""
        return "\n".join(map(_line, self))

    def _take(self, attempt: Attempt) -> bool:
        key = self._key(attempt.text)
        held = self._held.get(key)
        if held is None:
            self._held[key] = attempt
        else:
            times = held.times + attempt.times
            self._held[key] = replace(held, why=attempt.why or held.why, times=times)
        return held is None

    def _key(self, text: str) -> Hashable:
        key = self._same(text)
        if key != key:
            raise ValueError(f"the key of {text[:80]!r} is {key!r}, which does not equal itself")
        return key


def _line(attempt: Attempt) -> str:
    times = f" ({attempt.times} times)" if attempt.times > 1 else ""
    why = f": {quote_json(attempt.why)}" if attempt.why else ""
    return f"- {quote_json(attempt.text)}{times}{why}"
