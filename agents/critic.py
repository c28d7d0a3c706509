"""The critic: reviews a proposal."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage
from pydantic import BaseModel

from .agent import Agent
from .outputs import Critique
from .state import TeamState, draft_of


class Critic(Agent):
    """Reviews the draft: correct or not, what is wrong, what to do instead."""

    role = "critic"
    prompt = "You are a critic. Review the proposed reply and suggest a better one if it is wrong."
    output: type[BaseModel] = Critique
    writes = "critique"

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        return (HumanMessage(f"Proposed reply:\n{self.format.render(draft_of(state))}"),)
