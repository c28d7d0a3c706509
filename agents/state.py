"""What the members of a team share: `TeamState`, and the context that comes with a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages

from ..episodes import Observation, Task, World
from .outputs import Critique, Proposal, Verdict


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one member came up with, in a branch or a round of its own."""

    by: str
    """The member's name."""
    branch: str = ""
    """The branch that it worked in, as the record has it."""
    round: int = 0
    """Counted from 1 where members speak more than once."""
    draft: Proposal | None = None
    """None when nothing readable came of it."""
    text: str = ""
    """The reply as it was written."""
    critique: Critique | None = None
    verdict: Verdict | None = None
    score: float | None = None
    """The grade that it was given, where it was."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """What the engine told of the reply, as means over its tokens (`self_certainty`, `entropy`);
    and what else members measured of it."""
    stop: str = ""
    """The limit that it ran into."""
    error: str = ""
    """What went wrong in it, if something did."""

    @property
    def value(self) -> str:
        """The bare answer or action; empty where there is none."""
        return self.draft.value if self.draft else ""


class TeamState(TypedDict, total=False):
    """The state of every team's graph. Every key is optional; a node writes what it made."""

    task: Task
    messages: Annotated[list[AnyMessage], add_messages]
    """The conversation that all members see: the task, observations, and what the team said."""
    draft: Proposal | None
    """The proposal now under discussion."""
    critique: Critique | None
    """The latest review of the draft; None when there is none or it could not be read."""
    verdict: Verdict | None
    """The latest decision on the draft; None when there is none or it could not be read."""
    best: Proposal | None
    """The best proposal so far by the judge's score; what a stopped team falls back on."""
    best_score: float
    candidates: list[Candidate]
    """What members came up with side by side, in their order: to choose from, or to compare."""
    said: list[Candidate]
    """What was said in a discussion so far, oldest first."""
    round: int
    """Drafts made so far in this refinement."""
    observation: Observation | None
    """The latest observation of the world."""
    steps: int
    """Actions taken in the world, or tools called, so far."""
    unread: int
    """Replies in a row that could not be read."""
    findings: dict[str, Any]
    """What the team leaves to whoever reads the record: JSON, such as the tree of a search."""
    answer: str
    """The team's final answer, or its last action."""
    stop: str
    """Why the team stopped; empty while it works."""


def draft_of(state: TeamState) -> Proposal:
    """The proposal under discussion.

    Raises:
        ValueError: there is none.
    """
    draft = state.get("draft")
    if draft is None:
        raise ValueError("there is nothing to review: the state holds no draft")
    return draft


@dataclass(slots=True)
class TeamContext:
    """What a run lends to a team besides its state. Not checkpointed."""

    world: World | None = None
    """The environment's copy that this episode acts in; None for plain questions."""
    notes: dict[str, Any] = field(default_factory=dict)
    """What nodes keep for themselves in this process: the snapshots of a search, say."""
