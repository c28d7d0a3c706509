"""Self-PRM: a solver judges its own solutions step by step and votes on those without an error.

One model solves the problem several times. Then it reads each solution alone, cut into numbered
steps, and names the first wrong one, -1 for none, and a verdict. The commonest answer of the
solutions without a wrong step wins; where there is no such solution, all are voted on. A judgement
that contradicts itself, a wrong step in a correct solution, is not readable.

How well a model finds first errors is scored by `benchmarks/criticism.py` (ProcessBench's F1).

Paper: "Is PRM Necessary? Problem-Solving RL Implicitly Induces PRM Capability in LLMs", arXiv
2505.11227. No code was published. How it chooses among the solutions that are kept is not
confirmed: a vote is our assumption. Its own caution: on hard problems fewer than one in ten of the
solutions that a model calls correct are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import Field, model_validator

from ...agents import Actor, Answer, Critic, Critique, Issue, Output, TeamState
from ...agents.state import draft_of
from ...episodes.paper import Paper
from ..sample import sample
from ..selectors import filtered, passed
from ..team import Team

PAPER = Paper(
    title="Is PRM Necessary? Problem-Solving RL Implicitly Induces PRM Capability in LLMs",
    arxiv="2505.11227",
    kind="graph",
)
SOLUTIONS = 8
NO_ERROR = -1


class StepReview(Output):
    """What a process judge says of a solution."""

    reasoning: str = ""
    first_error: int = Field(ge=NO_ERROR)
    """The first wrong step, from 0; -1 when there is none."""
    verdict: Literal["correct", "incorrect"]

    @model_validator(mode="after")
    def agrees(self) -> Self:
        """The verdict says the same as the step."""
        if (self.first_error == NO_ERROR) != (self.verdict == "correct"):
            raise ValueError(f"{self.verdict}, but the first wrong step is {self.first_error}")
        return self


class ProcessCritic(Critic):
    """Reads a solution step by step and names the first wrong one."""

    prompt = (
        "You check solutions. Go through the numbered steps in their order. Name the first one "
        f"that is wrong (`first_error`, its number), or {NO_ERROR} when none is; the solution is "
        "correct only when no step is wrong."
    )
    output = StepReview

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        draft = draft_of(state)
        steps = steps_of(draft.reasoning) if isinstance(draft, Answer) else []
        told = [f"[{number}] {step}" for number, step in enumerate([*steps, draft.value])]
        return (HumanMessage("Proposed solution:\n" + "\n".join(told)),)

    def read(self, message: AIMessage) -> Critique | None:
        review = super().read(message)
        if not isinstance(review, StepReview):
            return None
        wrong = Issue(step=review.first_error + 1, reason="the first wrong step")
        return Critique(
            reasoning=review.reasoning,
            verdict=review.verdict,
            issues=() if review.verdict == "correct" else (wrong,),
        )


def self_prm(model: BaseChatModel, n: int = SOLUTIONS) -> Team:
    """A team of one model that solves a problem `n` times and votes on what it finds no error in.

    Args:
        n: solutions; the paper draws 8 to 64, and reports gains mainly with many.

    Raises:
        ValueError: `n` is less than 1.
    """
    return sample(
        Actor(model), n, review=ProcessCritic(model), select=filtered(passed), name="self_prm"
    )


def steps_of(reasoning: str) -> list[str]:
    """The steps of a chain of reasoning: its paragraphs, or its lines where it has only one."""
    paragraphs = [part.strip() for part in reasoning.split("\n\n") if part.strip()]
    if len(paragraphs) > 1:
        return paragraphs
    return [line.strip() for line in reasoning.splitlines() if line.strip()]
