"""The actor: proposes an answer, and a better one when a critic has spoken."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from .agent import Agent
from .outputs import Answer, Proposal
from .state import TeamState


class Actor(Agent):
    """Proposes an answer to the task. When its draft did not stand, it sees draft and review."""

    role = "actor"
    prompt = "Solve the problem step by step, then give the answer."
    output: type[Proposal] = Answer

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        draft, critique = state.get("draft"), state.get("critique")
        if draft is None:
            return ()
        review = "Your reply was not accepted."
        if critique is not None:
            review = f"A critic reviewed your reply:\n{self.format.render(critique)}"
        return (
            AIMessage(self.format.render(draft)),
            HumanMessage(f"{review}\nReply again."),
        )
