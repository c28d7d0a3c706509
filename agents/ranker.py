"""The ranker: a judge that compares several proposals."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage

from .judge import Judge
from .state import TeamState

NOTHING = "(no readable reply)"


class Ranker(Judge):
    """Reads `state["candidates"]`, numbered from 0 in their order, and says which is the best."""

    prompt = (
        "You are a judge. Compare the proposed replies: say which is the best (`winner`, its "
        "number) and grade each from 0 to 1 (`scores`, in order). Decide `accept` when the best "
        "one is right."
    )

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        shown = [
            f"Proposed reply {number}:\n{self.format.render(each.draft) if each.draft else NOTHING}"
            for number, each in enumerate(state.get("candidates", ()))
        ]
        return (HumanMessage("\n\n".join(shown)),)
