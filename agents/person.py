"""A person in an agent's place: the graph pauses, and goes on with what they say."""

from __future__ import annotations

from typing import Any

from langgraph.types import interrupt
from pydantic import BaseModel, ValidationError

from .outputs import Verdict
from .state import TeamState


class Person:
    """A team member who is asked, not called: a judge, an author, whoever approves an action.

    Calling it pauses the graph with LangGraph's `interrupt`: the pause shows what is under
    discussion. Resume with `Command(resume=...)`: a value of `output`, a mapping of its fields or
    their JSON text. What cannot be read is None, as for an agent. The graph needs a checkpointer.

    Args:
        name: how the graph and the pause call the person.
        output: what they say.
        writes: the key of the team state that it goes to.
        question: what they are asked.
    """

    def __init__(
        self,
        name: str = "person",
        *,
        output: type[BaseModel] = Verdict,
        writes: str = "verdict",
        question: str = "Does the proposal stand?",
    ) -> None:
        self.name = name
        self.output = output
        self.writes = writes
        self.question = question

    async def __call__(self, state: TeamState) -> dict[str, Any]:
        """Pause, and return the update of the team's state once the person has spoken."""
        shown: dict[str, Any] = {
            key: value.model_dump(mode="json")
            for key in ("draft", "critique", "verdict")
            if isinstance(value := state.get(key), BaseModel)
        }
        if candidates := state.get("candidates"):
            shown["candidates"] = [each.value for each in candidates]
        about = {"person": self.name, "question": self.question, "wants": self.writes, **shown}
        return {self.writes: self._read(interrupt(about))}

    def _read(self, said: Any) -> BaseModel | None:
        try:
            if isinstance(said, str):
                return self.output.model_validate_json(said)
            return self.output.model_validate(
                said.model_dump() if isinstance(said, BaseModel) else said
            )
        except ValidationError:
            return None
