"""What a group of episodes adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .intervals import Interval, clustered
from .row import Row, by_task

SUCCESS = ("solved", "success (95 %)")
SPENT = ("steps", "calls", "tokens", "secs", "cost")


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a group of episodes."""

    episodes: int
    successes: int
    rate: float
    """Share of successes."""
    interval: Interval
    """95 % Wilson interval of the rate; attempts at one task count as what they are worth."""
    score: float
    """Mean score."""
    steps: float
    """Mean actions in the world; the calls, tokens and seconds are means as well."""
    calls: float
    tokens: float
    seconds: float
    cost: float | None
    """US dollars in all; None when the cost of any call is unknown."""
    total_tokens: int
    """Prompt and completion tokens in all."""

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Summary:
        count = len(rows)
        successes = sum(row.success for row in rows)
        costs = [row.cost for row in rows if row.cost is not None]

        def mean(values: Any) -> float:
            return sum(values) / count if count else 0.0

        return cls(
            episodes=count,
            successes=successes,
            rate=successes / count if count else 0.0,
            interval=clustered([[r.success for r in task] for task in by_task(rows).values()]),
            score=mean(row.score for row in rows),
            steps=mean(row.steps for row in rows),
            calls=mean(row.calls for row in rows),
            tokens=mean(row.tokens for row in rows),
            seconds=mean(row.seconds for row in rows),
            cost=sum(costs) if len(costs) == count else None,
            total_tokens=sum(row.tokens for row in rows),
        )


def columns(graded: bool) -> tuple[str, ...]:
    """The figures of a summary, as tables head them.

    Args:
        graded: scores lie between 0 and 1 as well, so that their mean says more than the rate.
    """
    return (*SUCCESS, "score", *SPENT) if graded else SUCCESS + SPENT


def cells(summary: Summary, graded: bool) -> tuple[str, ...]:
    """The cells of a summary's line, under `columns(graded)`."""
    return (
        f"{summary.successes}/{summary.episodes}",
        share(summary.rate, summary.interval),
        *((f"{summary.score:.2f}",) if graded else ()),
        f"{summary.steps:.1f}",
        f"{summary.calls:.1f}",
        f"{summary.tokens:,.0f}",
        f"{summary.seconds:.1f}",
        dollars(summary.cost),
    )


def share(value: float, interval: Interval) -> str:
    """A share with its interval, in per cent."""
    low, high = interval
    return f"{value:.0%} ({100 * low:.0f} to {100 * high:.0f})"


def dollars(cost: float | None) -> str:
    """A sum of money, with cents or, where it is small, their hundredths."""
    if cost is None:
        return "unknown"
    return f"${cost:.4f}" if 0 < cost < 0.1 else f"${cost:,.2f}"
