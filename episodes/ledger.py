"""What calls cost, and how much a run may spend."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field, fields


class BudgetExceeded(Exception):  # noqa: N818 - a stop, not an error: teams finalise on it
    """A limit was reached. Raised before the call that would have gone past it."""


@dataclass(slots=True)
class Usage:
    """Running totals."""

    calls: int = 0
    """Model calls."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    """Time spent waiting for models, summed over calls (concurrent calls both count)."""
    tool_calls: int = 0
    """Tool runs and steps in a world."""
    cost: float = 0.0
    """Money, in US dollars, where the model says what it costs."""

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits for one episode; None means none. At a limit a team gives its best answer so far."""

    calls: int | None = None
    """Model calls."""
    tokens: int | None = None
    """Prompt and completion tokens; checked before each call, so one call may go past it."""
    seconds: float | None = None
    """Wall-clock seconds since the episode began; checked before each call."""
    tool_calls: int | None = None
    """Tool runs and steps in a world."""

    def __post_init__(self) -> None:
        for f in fields(self):
            limit = getattr(self, f.name)
            if limit is not None and limit < 0:
                raise ValueError(f"a budget cannot be negative: {f.name}={limit}")


@dataclass(slots=True)
class Ledger:
    """One episode's account, per agent, with its budget."""

    budget: Budget = field(default_factory=Budget)
    by_agent: dict[str, Usage] = field(default_factory=lambda: defaultdict(Usage))
    started: float = field(default_factory=time.monotonic)
    exceeded: str = ""
    """The limit that was hit, in words; empty when none was."""
    _calls: int = 0
    _tool_calls: int = 0
    _tokens: int = 0

    @property
    def total(self) -> Usage:
        """The sum over agents."""
        return sum(self.by_agent.values(), Usage())

    def start_call(self) -> None:
        """Claim a model call.

        Raises:
            BudgetExceeded: no call, token or second is left.
        """
        self.check()
        self._calls += 1

    def check(self) -> None:
        """See whether a model call may start, without claiming it.

        Raises:
            BudgetExceeded: no call, token or second is left.
        """
        budget = self.budget
        if budget.calls is not None and self._calls >= budget.calls:
            self._refuse(f"{budget.calls} model calls")
        if budget.tokens is not None and self._tokens >= budget.tokens:
            self._refuse(f"{budget.tokens} tokens")
        if budget.seconds is not None and time.monotonic() - self.started >= budget.seconds:
            self._refuse(f"{budget.seconds} seconds")

    def start_tool_call(self) -> None:
        """Claim a tool run or a step in a world.

        Raises:
            BudgetExceeded: none is left.
        """
        limit = self.budget.tool_calls
        if limit is not None and self._tool_calls >= limit:
            self._refuse(f"{limit} tool calls")
        self._tool_calls += 1

    def add(self, agent: str, usage: Usage) -> None:
        """Book what `agent` spent."""
        account = self.by_agent[agent]
        account.calls += usage.calls
        account.prompt_tokens += usage.prompt_tokens
        account.completion_tokens += usage.completion_tokens
        account.seconds += usage.seconds
        account.tool_calls += usage.tool_calls
        account.cost += usage.cost
        self._tokens += usage.tokens

    def _refuse(self, limit: str) -> None:
        self.exceeded = self.exceeded or f"budget of {limit} is spent"
        raise BudgetExceeded(self.exceeded)
