"""A person decides: the pause before a tool whose policy is `ask`.

The graph stops with LangGraph's `interrupt`, whose value names the tool and its arguments. It goes
on with `Command(resume="approve")`, `"reject"`, or a mapping with more to say:
`{"decision": "reject", "reason": "too dear"}`, `{"decision": "edit", "arguments": {...}}`.
What cannot be read as a decision lets nothing through: LangGraph refuses it and asks again.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, model_validator


class Decision(BaseModel):
    """What the person said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Literal["approve", "edit", "reject"]
    arguments: dict[str, Any] | None = None
    """With `edit`, the arguments to call the tool with instead."""
    reason: str = ""
    """With `reject`, what the model is told."""

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, said: Any) -> Any:
        return {"decision": said} if isinstance(said, str) else said

    @model_validator(mode="after")
    def _edits_something(self) -> Self:
        if (self.decision == "edit") != (self.arguments is not None):
            raise ValueError('`arguments` come with the decision "edit", and only with it')
        return self


def decision(tool: str, arguments: dict[str, Any], call_id: str | None) -> Decision | None:
    """What a person says to this call; None where nobody can be asked, outside a graph."""
    question = {"tool": tool, "arguments": arguments, "call": call_id}
    try:
        said = interrupt(question, response_schema=Decision)
    except (RuntimeError, KeyError):  # LangGraph's answer where no graph runs
        return None
    return said if isinstance(said, Decision) else Decision.model_validate(said)
