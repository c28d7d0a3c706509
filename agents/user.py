"""The user: a model in the place of the person whose task it is."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from .agent import Agent
from .outputs import Answer, Proposal
from .state import TeamState

INTENT = "user"
"""The key of a task's data under which stands what the user knows and wants."""


class User(Agent):
    """Answers the team's questions from what the task's data tell of the user (`data["user"]`).

    The team does not see that text; the user sees it and the conversation. It says no more than it
    is asked.
    """

    role = "user"
    prompt = (
        "You are the user of an assistant. Answer its last question briefly, from what you know, "
        "and say nothing that was not asked. If you do not know, say so."
    )
    output: type[Proposal] = Answer

    def messages(self, state: TeamState, recalled: Sequence[BaseMessage] = ()) -> list[BaseMessage]:
        task = state.get("task")
        known = str(task.data.get(INTENT, "")) if task else ""
        told = SystemMessage(f"{self.system.text}\n\nWhat you know:\n{known}")
        return [told, *recalled, *self.brief(state)]

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        said = [
            f"{'Assistant' if isinstance(each, AIMessage) else 'You'}: {each.text}"
            for each in state.get("messages", ())
        ]
        return (HumanMessage("\n\n".join(said)),)
