"""What the agents of CoMAS are told as solver, evaluator and scorer, in two sets of words.

`paper` says what the paper's prompts say, for models that follow instructions: what others wrote is
quoted, readable or not. `roles` is what actors, critics and judges are told everywhere here, for
models that know these and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import Field

from ...agents import Actor, Agent, Critic, Judge, Output, Proposal, Reviser, TeamState, Verdict
from ..quoting import quoted

EVALUATE = (
    "You review a solution to a problem. Attack it: list the mistakes that it makes, each with the "
    "reason why it is one, and for a program the tests that it fails. Be brief, and do not retell "
    "the solution."
)
SCORE = (
    "You read a problem, a solution, and a list of mistakes that a reviewer holds against it. Say "
    "briefly what you find, then give a score: 3 when the solution is right and none of the listed "
    "mistakes holds; 2 when some smaller ones hold, but the result stands; 1 when one of them is "
    "fatal."
)
REFERENCES = (
    "Others have solved this problem, and their solutions were evaluated:\n\n{said}\n\n"
    "Learn from them what you can, then solve the problem yourself."
)
ACCEPTED, REFUSED = 3, 1


class Unread(Proposal):
    """A solution that could not be read, as it was written."""

    text: str = ""

    @property
    def value(self) -> str:
        return ""


class Evaluation(Output):
    """What is wrong with a solution."""

    mistakes: tuple[str, ...] = ()
    """Each with its reason."""


class Mark(Output):
    """What a solution is worth in the light of its evaluation."""

    reason: str = ""
    score: int = Field(ge=1, le=3)


class Solver(Actor):
    """Solves the problem, having read solutions and evaluations (`state["said"]`) where there are
    some."""

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        said = state.get("said") or []
        if not said:
            return ()
        number = 0
        shown = []
        for each in said:
            solution = each.by.startswith("solver")
            number += solution
            shown.append(quoted(f"{'Solution' if solution else 'Evaluation'} {number}", each.text))
        return (HumanMessage(REFERENCES.format(said="\n\n".join(shown))),)


class Evaluator(Agent):
    """Attacks the solution in `state["said"]`."""

    role = "evaluator"
    prompt = EVALUATE
    output = Evaluation
    writes = "evaluation"

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        return (HumanMessage(quoted("Solution", state["said"][0].text)),)


class Scorer(Agent):
    """Marks the solution and its evaluation in `state["said"]`."""

    role = "scorer"
    prompt = SCORE
    output = Mark
    writes = "mark"

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        solution, evaluation = state["said"]
        shown = (quoted("Solution", solution.text), quoted("Evaluation", evaluation.text))
        return (HumanMessage("\n\n".join(shown)),)

    async def speak(self, state: TeamState) -> tuple[dict[str, Any], AIMessage | None]:
        update, message = await super().speak(state)
        mark = update["mark"]
        return {**update, "score": mark.score if isinstance(mark, Mark) else None}, message


class Grader(Judge):
    """A judge whose decision is a mark."""

    async def speak(self, state: TeamState) -> tuple[dict[str, Any], AIMessage | None]:
        update, message = await super().speak(state)
        verdict = update["verdict"]
        if not isinstance(verdict, Verdict):
            return update, message
        return {**update, "score": ACCEPTED if verdict.decision == "accept" else REFUSED}, message


WORDS: Mapping[str, Mapping[str, type[Agent]]] = {
    "paper": {"solver": Solver, "evaluator": Evaluator, "scorer": Scorer},
    "roles": {"solver": Reviser, "evaluator": Critic, "scorer": Grader},
}
