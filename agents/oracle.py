"""The oracle: a member who knows which answers are right. For experiments only.

Some experiments need one: an attacker who strikes at right answers, a teacher whose feedback is
true. What a team reaches with one cannot be had in use, where nobody knows the answer. So an oracle
is a type of its own, and its name, which stands in records, budgets and drawings, begins with
`oracle`; teams that have one call themselves so as well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from ..episodes import Task
from .state import TeamState

Right = Callable[[Task, str], bool]
"""Whether an answer to a task is right. Tasks reach teams without their references, so whoever
says it finds them by the task's id."""
ORACLE = "oracle"
"""How the names of oracles, and of teams that have one, begin."""


class Oracle(ABC):
    """A member who knows which answers are right.

    Args:
        right: says so; what a scorer would.
        name: what it is called after `oracle`.
    """

    def __init__(self, right: Right, name: str) -> None:
        self.right = right
        self.name = f"{ORACLE} {name}"

    @abstractmethod
    async def __call__(self, state: TeamState) -> Mapping[str, Any]:
        """The update that it makes of the team's state."""

    def approves(self, state: TeamState) -> bool:
        """Whether the draft answers the task rightly.

        Raises:
            ValueError: the state holds no task.
        """
        task, draft = state.get("task"), state.get("draft")
        if task is None:
            raise ValueError(f"{self.name} knows answers to tasks: the state holds no task")
        return draft is not None and self.right(task, draft.value)


def labelled(name: str, *members: object) -> str:
    """A team's name, marked where one of its members is an oracle."""
    return f"{ORACLE}_{name}" if any(isinstance(each, Oracle) for each in members) else name
