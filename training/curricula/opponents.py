"""Opponents from earlier rounds, so that neither side of a game wins too easily.

Each round leaves a version of the policy behind. One of them is the opponent: when it is beaten too
easily the next later one takes its place, and when it is too strong the one before. SPC (arXiv
2504.19162) pairs its players across rounds for this reason; the bounds are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from ..checks import require_share

EASY, HARD = 0.6, 0.4
"""Mean scores, where 0.5 is even."""


@dataclass(slots=True)
class OpponentRounds:
    """The versions to play against, and which is met now."""

    easy: float = EASY
    """A mean score above this calls for the next later version."""
    hard: float = HARD
    """A mean score below this calls for the version before."""
    versions: list[int] = field(default_factory=lambda: [0])
    """By number, the oldest first; 0 is the start."""
    at: int = 0
    """The place of the one that is met now."""

    def __post_init__(self) -> None:
        """Raises ValueError when the bounds are no shares or stand the wrong way round, or `at` is
        no place among the versions."""
        require_share("easy", self.easy)
        require_share("hard", self.hard)
        if self.hard > self.easy:
            raise ValueError(f"hard={self.hard} is above easy={self.easy}")
        if not 0 <= self.at < len(self.versions):
            raise ValueError(f"at={self.at}: there are {len(self.versions)} versions")

    @property
    def version(self) -> int:
        """The opponent's."""
        return self.versions[self.at]

    def met(self, score: float, by: int) -> None:
        """Hear how a round went.

        Args:
            score: the mean of the version that played, in [0, 1].
            by: its number; it joins those to play against.

        Raises:
            ValueError: the score does not lie in [0, 1].
        """
        require_share("score", score)
        if by not in self.versions:
            self.versions.append(by)
        if score > self.easy:
            self.at = min(self.at + 1, len(self.versions) - 1)
        elif score < self.hard:
            self.at = max(self.at - 1, 0)

    def as_json(self) -> dict[str, Any]:
        """For a stage's memory."""
        return asdict(self)

    @classmethod
    def of(cls, memory: Mapping[str, Any] | None) -> Self:
        """From a stage's memory; the beginning where there is nothing yet."""
        return cls(**memory) if memory else cls()
