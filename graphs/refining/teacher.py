"""The teacher: an oracle that says what is wrong with an answer, and never what is right.

Feedback has three grades:

- `verdict`: that the answer is wrong, and no more;
- `reflection`: which step is at fault, by a model that is shown the right answer;
- `solution`: likewise, by a model that is shown a worked solution as well.

Should the model's words hold the right answer all the same, it is masked before anybody reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage

from ...agents import Critic, Critique, TeamState
from ...agents.oracle import Oracle
from ...episodes import Task
from ...memory.working import Tried
from ..quoting import quoted
from ..selectors import plain
from ..team import work

Feedback = Literal["verdict", "reflection", "solution"]
MASK = "[masked]"
REFLECT = (
    "You are a teacher. The proposed reply to the task is wrong. Say which step is at fault and "
    "why, so that the student can find the right answer. Never tell the right answer itself."
)
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Gold:
    """What a teacher knows of a task."""

    answer: str
    """The right answer; for a multiple choice, the letter."""
    aliases: tuple[str, ...] = ()
    """Other ways to write it: the text of the option, say."""
    solution: str = ""
    """How to come to it."""

    def right(self, answer: str) -> bool:
        """Whether an answer is this one."""
        return plain(answer) in {plain(each) for each in (self.answer, *self.aliases)}

    def mask(self, text: str) -> str:
        """`text` with the answer and its aliases masked: whole words of whatever case (a letter
        that names an option: of its case), and numbers of equal value, however they are written."""
        for each in sorted({self.answer, *self.aliases}, key=len, reverse=True):
            if each.strip():
                word = rf"(?<!\w){re.escape(each.strip())}(?!\w)(?!\.\d)"
                text = re.sub(word, MASK, text, flags=re.IGNORECASE if len(each) > 1 else 0)
        return _NUMBER.sub(lambda found: MASK if self.right(found[0]) else found[0], text)


class Reflector(Critic):
    """The teacher's voice: sees what was tried, the right answer and, where it may, a solution."""

    def __init__(self, model: BaseChatModel, golds: Mapping[str, Gold], solution: bool, name: str):
        super().__init__(model, instructions=REFLECT, name=name)
        self.golds = golds
        self.solution = solution

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        gold = self.golds[state["task"].id]
        known = [quoted("The right answer", gold.answer)]
        if self.solution:
            known.append(quoted("A solution", gold.solution))
        tried = Tried(each.value for each in state.get("said", ()) if each.draft)
        known.append(f"Tried so far:\n{tried.told()}")
        return (*super().brief(state), HumanMessage("\n\n".join(known)))


class Teacher(Oracle):
    """Tells a student what is wrong, and never what is right.

    Args:
        golds: what is known of each task, by the task's id.
        model: words the feedback; `verdict` needs none.

    Raises:
        ValueError: there is no such feedback; or it goes by solutions, and a task has none.
    """

    def __init__(self, golds: Mapping[str, Gold], feedback: Feedback, model: BaseChatModel) -> None:
        super().__init__(self.knows, "teacher")
        if feedback not in get_args(Feedback):
            raise ValueError(f"feedback={feedback!r}: choose {', '.join(get_args(Feedback))}")
        if feedback == "solution" and (bare := [id for id, g in golds.items() if not g.solution]):
            raise ValueError(f"feedback='solution': there is no solution for {bare[:5]}")
        self.golds = golds
        self.words = feedback != "verdict"
        self.reflector = Reflector(model, golds, feedback == "solution", self.name)

    def knows(self, task: Task, answer: str) -> bool:
        """Whether an answer to a task is right.

        Raises:
            ValueError: the task is not known.
        """
        if task.id not in self.golds:
            raise ValueError(f"there is no right answer for the task {task.id!r}")
        return self.golds[task.id].right(answer)

    async def __call__(self, state: TeamState) -> dict[str, Any]:
        if self.approves(state):
            return {"critique": Critique(verdict="correct")}
        if not self.words:
            return {"critique": Critique(verdict="incorrect")}
        update = await work(self.reflector, state)
        if isinstance(said := update["critique"], Critique):
            update["critique"] = masked(said, self.golds[state["task"].id])
        return update


def masked(critique: Critique, gold: Gold) -> Critique:
    """Feedback on a wrong answer, with the right one masked wherever it stands."""
    return critique.model_copy(
        update={
            "verdict": "incorrect",
            "reasoning": gold.mask(critique.reasoning),
            "suggestion": gold.mask(critique.suggestion),
            "issues": tuple(
                issue.model_copy(update={"reason": gold.mask(issue.reason)})
                for issue in critique.issues
            ),
        }
    )
