"""The actor: proposes an answer, and a better one when a critic has spoken."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from .agent import Agent
from .outputs import Answer, Critique, Proposal
from .state import TeamState


class Actor(Agent):
    """Proposes an answer to the task. When its draft did not stand, it sees draft and review."""

    role = "actor"
    prompt = "Solve the problem step by step, then give the answer."
    output: type[Proposal] = Answer

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        draft = state.get("draft")
        return () if draft is None else self.exchange(draft, state.get("critique"))

    def exchange(self, draft: Proposal, critique: Critique | None) -> Sequence[BaseMessage]:
        """A draft that did not stand, as the actor's own words, and its review."""
        review = "Your reply was not accepted."
        if critique is not None:
            review = f"A critic reviewed your reply:\n{self.format.render(critique)}"
        return (
            AIMessage(self.format.render(draft)),
            HumanMessage(f"{review}\nReply again."),
        )
