"""What happens in an episode: model calls, tool calls and steps in a world."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Tokens:
    """The exact tokens of one model call, as the engine saw and sampled them."""

    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    """What was sampled, the end token included when there was one."""
    logprobs: tuple[float, ...]
    """Log-probability of each completion token under the distribution it was sampled from."""

    def __post_init__(self) -> None:
        if len(self.completion_ids) != len(self.logprobs):
            raise ValueError(
                f"{len(self.completion_ids)} completion tokens, but {len(self.logprobs)} logprobs"
            )


@dataclass(frozen=True, slots=True)
class Turn:
    """One model call by one agent."""

    id: str
    agent: str
    """The agent's name; for a graph that names none, the LangGraph node."""
    messages: tuple[dict[str, Any], ...]
    """What the model read, in OpenAI's message format."""
    reply: dict[str, Any] | None
    """What it answered, in OpenAI's message format; None when the call failed."""
    parent: str | None = None
    """The turn that this one followed; None for the first."""
    node: str = ""
    """The LangGraph node that made the call."""
    step: int = 0
    """The LangGraph step (superstep) of that node."""
    branch: str = ""
    """The branch of a search or debate; empty on the trunk."""
    model: str = ""
    parsed: dict[str, Any] | None = None
    """The typed output; None where none was wanted or the reply was unreadable."""
    unreadable: bool = False
    """True when a typed output was wanted and the reply did not hold one."""
    tokens: Tokens | None = None
    """Exact token ids; None when the backend does not give them."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    """US dollars, where they are known; `Usage.unpriced` counts the calls where they are not."""
    started: float = 0.0
    """Seconds since the episode began."""
    seconds: float = 0.0
    """How long the call took."""
    finish: str = ""
    """Why generation ended, in the backend's word: `stop`, `length`, `tool_calls`, ..."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One run of a tool."""

    name: str
    arguments: str
    result: str
    after: str | None = None
    """The turn that had most recently ended."""
    started: float = 0.0
    seconds: float = 0.0
    error: str = ""


TOLD_ELSEWHERE = frozenset({"won", "steps", "valid", "stop", "expert_plan"})
"""Names in `Step.info` of what an episode's outcome and steps say as well, and of advice."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action in a world, or its reset (where `action` is None), and what was then observed."""

    action: str | None
    text: str
    reward: float
    done: bool
    admissible: tuple[str, ...] = ()
    after: str | None = None
    """The turn that had most recently ended: for a single agent the one that chose the action, in
    a team the last that was said about it."""
    started: float = 0.0
    seconds: float = 0.0
    valid: bool = True
    """False when the world could make nothing of the action, where it says so."""
    info: dict[str, Any] = field(default_factory=dict, hash=False)
    """What the world told beside its text (`Observation.info`), as `facts.kept` keeps it."""

    @property
    def remarks(self) -> dict[str, Any]:
        """What of `info` stands nowhere else: parts of a reward, the sort of a mistake, ..."""
        return {name: value for name, value in self.info.items() if name not in TOLD_ELSEWHERE}
