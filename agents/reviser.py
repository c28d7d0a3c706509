"""The reviser: an actor that remembers all its drafts, not only the last."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from .actor import Actor
from .state import TeamState


class Reviser(Actor):
    """Proposes an answer to the task; when it drafts again, it sees each draft before
    (`state["said"]`) and what was said of it, as the conversation that it was."""

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        said = [(each.draft, each.critique) for each in state.get("said", ())]
        return [
            line for draft, critique in said if draft for line in self.exchange(draft, critique)
        ]
