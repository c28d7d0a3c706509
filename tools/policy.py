"""What a tool may do: how long, how often, how many at once, at what price, with whose leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from .condense import Condenser, head_and_tail

Permission = Literal["allow", "ask", "deny"]
FIRST_WAIT = 0.5
"""Seconds before the second attempt; the wait doubles with every attempt."""
LONGEST_WAIT = 30.0
"""Seconds between two attempts, at most."""


@dataclass(frozen=True, slots=True)
class ToolPolicy:
    """The rules of one tool. The default lets a tool run for a minute and answer one page or two.

    Raises:
        ValueError: a limit is not positive, or the permission is unknown.
    """

    timeout: float | None = 60.0
    """Seconds that one attempt may take, condensing included; None waits for ever. An async tool
    is cancelled. A plain function cannot be stopped: it is given up, and its thread, which counts
    against `concurrency`, runs on until it returns."""
    retries: int = 0
    """Further attempts after an error of `retry_on`, with growing waits between them. Each
    attempt is a tool run in the record and in the budget."""
    retry_on: tuple[type[Exception], ...] = (ConnectionError, TimeoutError)
    """Errors that may pass. The tool's own timeout is a TimeoutError."""
    first_wait: float = FIRST_WAIT
    """Seconds before the second attempt; doubles with every attempt."""
    concurrency: int | None = None
    """Runs at the same time, over all episodes that share the registry."""
    cost: float = 0.0
    """US dollars that one attempt costs; booked in the episode's ledger."""
    permission: Permission = "allow"
    """`ask` pauses the graph (LangGraph's `interrupt`) for a person to decide; a tool that is
    denied is not shown to the model."""
    cap: int | None = 20_000
    """Characters of an answer that the model reads; what is longer is condensed."""
    condense: Condenser = head_and_tail
    """Makes an answer fit the cap."""
    once: bool = False
    """Refuse a call that was answered with the same arguments earlier in the conversation."""

    def __post_init__(self) -> None:
        if self.permission not in get_args(Permission):
            choices = ", ".join(get_args(Permission))
            raise ValueError(f"unknown permission {self.permission!r}; choose one of {choices}")
        for name in ("timeout", "concurrency", "cap"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise ValueError(f"{name}={limit}: it must be more than 0, or None for no limit")
        for name in ("retries", "cost", "first_wait"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name}={value}: it must be a number that is not negative")
