"""Look before you leap: a critic judges each action before it is taken.

The critic reads the goal, what was done so far and the proposed action, and writes in this order
what it observes, what the action would result in, what it thinks of that, whether the action is
correct, and what to do instead. An action that is not found correct is not taken: the agent
proposes again with the suggestion before it. A missing verdict counts as incorrect.

Paper: "Look Before You Leap: A GUI-Critic-R1 Model for Pre-Operative Error Diagnosis in GUI
Automation", arXiv 2506.04614, for screens; here for text worlds. Its training is not here.
"""

from __future__ import annotations

from typing import Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from ...agents import Critic, Critique, ToolAgent
from ...episodes.paper import Paper
from ...models.formats import Output
from ..act import act
from ..team import Member, Team, seated

PAPER = Paper(
    title=(
        "Look Before You Leap: A GUI-Critic-R1 Model for Pre-Operative Error Diagnosis in GUI "
        "Automation"
    ),
    arxiv="2506.04614",
    kind="graph | agent",
)
PROMPT = (
    "You are a critic who looks before the agent leaps. Read the goal, what was done and the "
    "proposed action. Say what you observe, what the action would result in, what you think of it, "
    "whether it is Correct or Incorrect, and, if it is not, what to do instead."
)


class Foresight(Output):
    """What a critic foresees of an action, in the order in which it is written."""

    observation: str = ""
    result: str = ""
    critique: str = ""
    score: Literal["Correct", "Incorrect"]
    suggestion: str = ""


class PreCritic(Critic):
    """Judges an action before it is taken."""

    prompt = PROMPT
    output: type[BaseModel] = Foresight

    def read(self, message: AIMessage) -> Critique | None:
        said = super().read(message)
        if not isinstance(said, Foresight):
            return None
        thoughts = (said.observation, said.result, said.critique)
        return Critique(
            reasoning="\n".join(filter(None, thoughts)),
            verdict="correct" if said.score == "Correct" else "incorrect",
            suggestion=said.suggestion,
        )


def gui_critic(
    model: BaseChatModel | Member,
    critic: BaseChatModel | Member | None = None,
    *,
    refusals: int = 3,
    max_steps: int | None = None,
) -> Team:
    """A team of an agent and a critic of its actions.

    Args:
        critic: writes `critique`; by default the same model.
        refusals: proposals in a row that may be refused; then the team stops.
    """
    judge = seated(PreCritic, model if critic is None else critic)
    return act(
        seated(ToolAgent, model),
        critic=judge,
        refusals=refusals,
        max_steps=max_steps,
        name="gui-critic",
    )
