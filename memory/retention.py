"""What is kept for how long, and what goes first when there is too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .record import MemoryRecord

NEUTRAL = 0.5
"""The outcome of an episode that is not known yet, when records are compared."""


def usefulness(record: MemoryRecord) -> float:
    """How useful a record has proved: its writer's trust times its episode's outcome, in [0, 1]."""
    outcome = record.provenance.outcome
    return record.provenance.trust * (NEUTRAL if outcome is None else outcome)


@dataclass(frozen=True, slots=True)
class Retention:
    """Which records are forgotten: all that are too old, then the least useful of too many.

    Args:
        seconds: a record may be this old; None for any age.
        records: as many are kept, the most useful and of equals the newest; None for any number.
        useful: how useful a record is.

    Raises:
        ValueError: nothing is limited, or a limit is negative.
    """

    seconds: float | None = None
    records: int | None = None
    useful: Callable[[MemoryRecord], float] = usefulness

    def __post_init__(self) -> None:
        if self.seconds is None and self.records is None:
            raise ValueError("a retention limits something: give `seconds`, `records`, or both")
        for name, limit in (("seconds", self.seconds), ("records", self.records)):
            if limit is not None and not limit >= 0:
                raise ValueError(f"{name}: {limit} is no limit")

    def forgotten(self, records: Sequence[MemoryRecord], now: float) -> dict[str, str]:
        """The keys of those to be forgotten, each with why."""
        reasons = {}
        kept = []
        for record in records:
            age = now - record.provenance.time
            if self.seconds is not None and age > self.seconds:
                reasons[record.key] = f"{age:.0f} s old, of {self.seconds:.0f} s at most"
            else:
                kept.append(record)
        if self.records is not None and len(kept) > self.records:
            kept.sort(key=lambda one: (self.useful(one), one.provenance.time, one.key))
            for record in kept[: len(kept) - self.records]:
                reasons[record.key] = (
                    f"least useful ({self.useful(record):.3g}) of more than {self.records}"
                )
        return reasons
