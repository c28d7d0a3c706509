"""What calls cost, and how much an agent, a sub-team, an episode or a run may spend.

A `Ledger` is one account with one `Budget`. Ledgers nest: what is booked in one is booked in those
around it, and a call needs room in all of them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

PRICES = (
    "give its price (--prices FILE, or `prices=PriceTable.load(file)`), or limit calls or tokens "
    "instead"
)
"""What to do where money is limited and a cost is unknown."""


class BudgetExceeded(Exception):  # noqa: N818 - a stop, not an error: teams finalise on it
    """A limit was reached. Raised before the call that would have gone past it, and in a stream
    as soon as it has gone past it."""

    def __init__(self, message: str, ledger: Ledger | None = None) -> None:
        super().__init__(message)
        self.ledger = ledger
        """Whose limit it was."""


class UnknownCostError(ValueError):
    """Money is limited, and a call was made whose cost nobody knows."""


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
    """Money, in US dollars, of the calls whose cost is known."""
    unpriced: int = 0
    """Calls whose cost is unknown."""
    estimated: int = 0
    """Tokens among those above that were estimated, because the provider did not count them."""

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def total_cost(self) -> float | None:
        """US dollars in all; None when the cost of any call is unknown."""
        return None if self.unpriced else self.cost

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, name) + getattr(other, name) for name in COUNTS))

    def __sub__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, name) - getattr(other, name) for name in COUNTS))

    def __iadd__(self, other: Usage) -> Usage:
        self.calls += other.calls
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.seconds += other.seconds
        self.tool_calls += other.tool_calls
        self.cost += other.cost
        self.unpriced += other.unpriced
        self.estimated += other.estimated
        return self


COUNTS = tuple(f.name for f in fields(Usage))


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits; None means none. At a limit a team gives its best answer so far.

    Limits are checked before each call, so calls that run at the same time may together go past
    the limits on tokens and money. A streamed call is stopped where it goes past them.

    Raises:
        ValueError: a limit is negative or not a number.
    """

    calls: int | None = None
    """Model calls."""
    tokens: int | None = None
    """Prompt and completion tokens."""
    seconds: float | None = None
    """Wall-clock seconds since the episode (the run, the sub-team) began."""
    tool_calls: int | None = None
    """Tool runs and steps in a world."""
    cost: float | None = None
    """US dollars. Needs models whose cost is known; see `Recorder`."""
    agents: Mapping[str, Budget] = field(default_factory=dict, hash=False)
    """Limits of single agents, by name; these come on top of the others."""

    def __post_init__(self) -> None:
        for name in ("calls", "tokens", "seconds", "tool_calls", "cost"):
            limit = getattr(self, name)
            if limit is not None and not limit >= 0:
                wrong = "negative" if limit < 0 else "no number"
                raise ValueError(f"a budget cannot be {wrong}: {name}={limit}")


@dataclass(slots=True)
class Ledger:
    """An account, per agent, with its budget: that of an episode, a run or a sub-team."""

    budget: Budget = field(default_factory=Budget)
    by_agent: dict[str, Usage] = field(default_factory=lambda: defaultdict(Usage))
    started: float = field(default_factory=time.monotonic)
    exceeded: str = ""
    """The limit that was hit, here or around, in words; empty when none was."""
    parent: Ledger | None = None
    """The account around this one: an episode's is its run's."""
    owner: str = ""
    """Whose budget it is, in messages: `the run's`, ...; empty for an episode's."""
    agents: dict[str, Ledger] = field(init=False)
    """The accounts of agents that have a budget of their own."""
    total: Usage = field(default_factory=Usage, init=False)
    """The sum over agents."""
    _calls: int = 0
    _tool_calls: int = 0
    _unpriced: set[str] = field(default_factory=set)
    _chains: dict[str, tuple[Ledger, ...]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.agents = {
            name: Ledger(budget, started=self.started, owner=f"{self.owner} {name}'s".strip())
            for name, budget in self.budget.agents.items()
        }

    def start_call(self, agent: str = "") -> None:
        """Claim a model call for `agent`.

        Raises:
            BudgetExceeded: no call, token, second or dollar is left, here or around.
            UnknownCostError: money is limited, and calls were made whose cost is unknown.
        """
        self.check(agent)
        for ledger in self._accounts(agent):
            ledger._calls += 1

    def check(self, agent: str = "") -> None:
        """See whether `agent` may start a model call, without claiming it; raises as
        `start_call` does."""
        self.check_prices(agent)
        self._refuse_at(agent, Ledger._no_call_left)

    def check_stream(self, agent: str = "") -> None:
        """See whether a streamed call of `agent` may go on.

        Raises:
            BudgetExceeded: it has gone past a limit on tokens or money.
        """
        self._refuse_at(agent, Ledger._gone_past)

    def check_prices(self, agent: str = "") -> None:
        """See whether limits on money can be kept.

        Raises:
            UnknownCostError: there is one, and calls were made whose cost is unknown.
        """
        for ledger in self._accounts(agent):
            if ledger.budget.cost is not None and ledger.total.unpriced:
                names = ", ".join(sorted(ledger._unpriced))
                raise UnknownCostError(
                    f"{ledger.owner or 'the'} budget is ${ledger.budget.cost:g}, but the cost of "
                    f"{names} is unknown: {PRICES}"
                )

    def check_money(self, agent: str = "") -> None:
        """See whether `agent` may spend money on something else than a model, a tool say.

        Raises:
            BudgetExceeded: no dollar is left, here or around.
        """
        self._refuse_at(agent, Ledger._no_money_left)

    def start_tool_call(self, agent: str = "") -> None:
        """Claim a tool run or a step in a world.

        Raises:
            BudgetExceeded: none is left, here or around.
        """
        self._refuse_at(agent, Ledger._no_tool_call_left)
        for ledger in self._accounts(agent):
            ledger._tool_calls += 1

    def take_back_tool_call(self, agent: str = "") -> None:
        """Give up a claim: the tool did not get to run."""
        for ledger in self._accounts(agent):
            ledger._tool_calls -= 1

    def add(self, agent: str, usage: Usage, model: str = "") -> None:
        """Book what `agent` spent, on `model`."""
        for ledger in self._accounts(agent):
            ledger.by_agent[agent] += usage
            ledger.total += usage
            if usage.unpriced:
                ledger._unpriced.add(repr(model) if model else "some calls")

    def resume(self, spent: Mapping[str, Usage]) -> None:
        """Book what was spent, by agent, before this ledger was opened; it counts against the
        budget, but for seconds."""
        for agent, usage in spent.items():
            self.add(agent, usage)
            for ledger in self._accounts(agent):
                ledger._calls += usage.calls
                ledger._tool_calls += usage.tool_calls

    @property
    def seconds_left(self) -> float | None:
        """Until the first limit on time is reached, here or around; None when there is none."""
        ends = [
            ledger.started + ledger.budget.seconds
            for ledger in self._accounts("")
            if ledger.budget.seconds is not None
        ]
        return max(min(ends) - time.monotonic(), 0.0) if ends else None

    def out_of_time(self) -> str:
        """Which limit on time was reached, here or around, in words; empty when none was."""
        spent = self._limit("", Ledger._no_time_left)
        return str(spent or "")

    def closed(self) -> str:
        """Which limit was reached that nothing more can begin with; empty when none was."""
        spent = self._limit("", Ledger._nothing_left)
        return str(spent or "")

    def within(self, other: Ledger) -> bool:
        """Whether this is `other`, or an account inside it."""
        return self is other or (self.parent is not None and self.parent.within(other))

    def _accounts(self, agent: str) -> tuple[Ledger, ...]:
        """Every account that a call of `agent` is booked in, the innermost first."""
        known = self._chains.get(agent)
        if known is None:
            own = (self.agents[agent], self) if agent in self.agents else (self,)
            around = self.parent._accounts(agent) if self.parent is not None else ()
            known = self._chains[agent] = own + around
        return known

    def _refuse_at(self, agent: str, reached: Callable[[Ledger], str]) -> None:
        if spent := self._limit(agent, reached):
            raise spent

    def _limit(self, agent: str, reached: Callable[[Ledger], str]) -> BudgetExceeded | None:
        """The first limit that is reached; it is noted in its account and in those inside it."""
        accounts = self._accounts(agent)
        for place, ledger in enumerate(accounts):
            if limit := reached(ledger):
                message = f"{ledger.owner} budget of {limit} is spent".strip()
                for account in accounts[: place + 1]:
                    account.exceeded = account.exceeded or message
                return BudgetExceeded(message, ledger)
        return None

    def _no_call_left(self) -> str:
        budget = self.budget
        if budget.calls is not None and self._calls >= budget.calls:
            return f"{budget.calls} model calls"
        if budget.tokens is not None and self.total.tokens >= budget.tokens:
            return f"{budget.tokens} tokens"
        return self._no_money_left() or self._no_time_left()

    def _no_money_left(self) -> str:
        limit = self.budget.cost
        return f"${limit:g}" if limit is not None and self.total.cost >= limit else ""

    def _gone_past(self) -> str:
        budget = self.budget
        if budget.tokens is not None and self.total.tokens > budget.tokens:
            return f"{budget.tokens} tokens"
        if budget.cost is not None and self.total.cost > budget.cost:
            return f"${budget.cost:g}"
        return ""

    def _no_time_left(self) -> str:
        limit = self.budget.seconds
        over = limit is not None and time.monotonic() - self.started >= limit
        return f"{limit} seconds" if over else ""

    def _nothing_left(self) -> str:
        return self._no_call_left() or self._no_tool_call_left()

    def _no_tool_call_left(self) -> str:
        limit = self.budget.tool_calls
        return f"{limit} tool calls" if limit is not None and self._tool_calls >= limit else ""
