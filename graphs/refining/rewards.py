"""Rewards of step-by-step solutions, and what they say of a question's answers.

An outcome reward grades a whole solution, a process reward each of its steps. A solution is worth
the first plus the product of the others. The rewards come from a function, with reward models
behind it, or a chat model in their place.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import Field

from ...agents import Candidate, Critic, Output, Proposal, TeamState
from ...agents.outputs import Score
from ...agents.state import draft_of
from ..selectors import votes

OUTCOME, PROCESS, STEP = "outcome", "process", "step {}"
"""What the measures of a chain are called: its rewards, the product of its steps', each step's."""
GRADE = (
    "Grade the proposed solution: for each of its steps, in order, how likely it is right, from 0 "
    "to 1, and in `outcome` how likely the whole is."
)


class Solution(Proposal):
    """A solution, step by step."""

    steps: tuple[str, ...] = Field(min_length=1)
    answer: str = Field(min_length=1)

    @property
    def value(self) -> str:
        return self.answer


@dataclass(frozen=True, slots=True)
class Rewards:
    """What reward models say of a solution, from 0 to 1."""

    outcome: float
    steps: Sequence[float]
    """One for each step."""


Reward = Callable[[TeamState], Awaitable[Rewards | None]]
"""Grades the draft of a state; None where it cannot."""


class Grades(Output):
    """What a model in the place of reward models says."""

    steps: tuple[Score, ...] = Field(min_length=1)
    outcome: Score


class Grader(Critic):
    """A model in the place of reward models."""

    role = "grader"
    prompt = GRADE


def measured(given: Rewards) -> dict[str, Any]:
    """What a chain is worth, and its measures."""
    process = math.prod(given.steps)
    steps = {STEP.format(number): each for number, each in enumerate(given.steps, 1)}
    measures = {OUTCOME: given.outcome, PROCESS: process, **steps}
    return {"score": given.outcome + process, "measures": measures}


def confidence(pool: Sequence[Candidate], measure: str) -> float:
    """How far answers agree, each weighing what its chains have of a measure: 1 when all are the
    same, 2 (1 - sigmoid(H)) with H the entropy of their shares, in nats."""
    sums = votes(pool, lambda each: max(each.measures.get(measure, 0.0), 0.0)).values()
    total = sum(sums)
    shares = [each / total if total else 1 / len(sums) for each in sums]
    entropy = -sum(share * math.log(share) for share in shares if share)
    return 2 * (1 - 1 / (1 + math.exp(-entropy)))


def model_reward(model: BaseChatModel) -> Reward:
    """A chat model in the place of reward models. Grades that are not one for each step count for
    nothing."""
    grader = Grader(model, output=Grades)

    async def reward(state: TeamState) -> Rewards | None:
        given: Any = (await grader(state))["critique"]
        draft = draft_of(state)
        if not isinstance(draft, Solution) or not isinstance(given, Grades):
            return None
        if len(given.steps) != len(draft.steps):
            return None
        return Rewards(given.outcome, given.steps)

    return reward
