"""The judge: decides whether a proposal stands."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage
from pydantic import BaseModel

from .agent import Agent
from .outputs import Verdict
from .state import TeamState, draft_of


class Judge(Agent):
    """Accepts the draft or asks for another, having read the critic's review."""

    role = "judge"
    prompt = "You are a judge. Decide whether the proposed reply is right."
    output: type[BaseModel] = Verdict
    writes = "verdict"

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        lines = [f"Proposed reply:\n{self.format.render(draft_of(state))}"]
        if (critique := state.get("critique")) is not None:
            lines.append(f"A critic's review:\n{self.format.render(critique)}")
        return (HumanMessage("\n\n".join(lines)),)
