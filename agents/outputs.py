"""What agents say, as types: proposals, critiques and verdicts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..models.formats import Output

Score = Annotated[float, Field(ge=0.0, le=1.0)]
"""A grade between 0 (worst) and 1 (best)."""


class Proposal(Output):
    """Something a team may choose: an answer to a question or an action in a world."""

    @property
    def value(self) -> str:
        """The bare answer or action, without the thinking that led to it."""
        raise NotImplementedError


class Answer(Proposal):
    """A solution to a question."""

    reasoning: str = ""
    answer: str = Field(min_length=1)

    @property
    def value(self) -> str:
        return self.answer


class Thought(Proposal):
    """One step of a solution, with the final answer in the last."""

    step: str = Field(min_length=1)
    answer: str = ""

    @property
    def value(self) -> str:
        return self.answer or self.step


class Action(Proposal):
    """One action in a world."""

    thought: str = ""
    action: str = Field(min_length=1)

    @property
    def value(self) -> str:
        return self.action


class Move(Proposal):
    """One action in a world, or a question to the person whose task it is: exactly one of them."""

    thought: str = ""
    question: str = ""
    action: str = ""

    @model_validator(mode="after")
    def _either(self) -> Move:
        if bool(self.question) == bool(self.action):
            raise ValueError("a move is a question or an action")
        return self

    @property
    def value(self) -> str:
        return self.action or self.question


class Issue(Output):
    """One thing that is wrong with a proposal."""

    step: int | None = None
    """The step at fault, counted from 1, where the proposal has steps."""
    reason: str = Field(min_length=1)


class Critique(Output):
    """A critic's review of a proposal. What it thinks comes first, so that the verdict follows."""

    reasoning: str = ""
    verdict: Literal["correct", "incorrect"]
    issues: tuple[Issue, ...] = ()
    suggestion: str = ""
    """What to answer or do instead."""
    score: Score | None = None


class Verdict(Output):
    """A judge's decision on one proposal, or between several; its reasons come first."""

    rationale: str = ""
    decision: Literal["accept", "revise"]
    winner: int | None = None
    """Index, from 0, of the best of several proposals."""
    scores: tuple[Score, ...] = ()
    """One grade per proposal, in the order shown."""
    confidence: Score | None = None
