"""AskToAct: the assistant asks for what the request leaves open, one thing at a time, then acts.

The user wants more than the request says. At each turn the assistant either asks the user one
question or acts in the world; the user, who knows the rest (`task.data["user"]`), answers.
Questions cost no step, and are limited.

`clarified` measures a conversation: which hidden intents came out, and how many questions it took.

Paper: "AskToAct: Enhancing LLMs Tool Use via Self-Correcting Clarification", arXiv 2503.01940. Its
training (error spans that stay in the context and out of the loss) is not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from ...agents import Candidate, Move, ToolAgent, User
from ...episodes.paper import Paper
from ..act import act
from ..team import Member, Team, seated

PAPER = Paper(
    title="AskToAct: Enhancing LLMs Tool Use via Self-Correcting Clarification",
    arxiv="2503.01940",
    kind="graph",
)
PROMPT = (
    "You act for a user whose request may leave things open. Where you need to know something, ask "
    "the user one question at a time, and never for what was said already. Once you know enough, "
    "act. Each turn, write a `question` or an `action`, not both."
)


def ask_to_act(
    model: BaseChatModel | Member,
    user: BaseChatModel | Member | None = None,
    *,
    questions: int = 5,
    max_steps: int | None = None,
) -> Team:
    """A team of an assistant that may ask its user.

    Args:
        user: who answers; by default the same model, told what the user knows.
        questions: answered questions, at most.
    """
    return act(
        seated(ToolAgent, model, instructions=PROMPT, output=Move),
        user=seated(User, model if user is None else user),
        questions=questions,
        max_steps=max_steps,
        name="ask-to-act",
    )


@dataclass(frozen=True, slots=True)
class Clarification:
    """What questions brought to light."""

    recovered: float
    """The share of hidden intents that the user's answers told."""
    efficiency: float
    """Intents told per question; 0 where nothing was asked."""


def clarified(said: Sequence[Candidate], hidden: Mapping[str, str]) -> Clarification:
    """Measure the user's answers (`state["said"]` of an acting team).

    Args:
        hidden: the intents that the request left open: name and value, which counts as told when it
            stands in an answer, whatever the case.
    """
    told = " \n ".join(each.text for each in said).casefold()
    found = sum(value.casefold() in told for value in hidden.values())
    return Clarification(
        recovered=found / len(hidden) if hidden else 1.0,
        efficiency=found / len(said) if said else 0.0,
    )
