"""Feedback friction: a solver that is told what is wrong, again and again, and what keeps it there.

A solver answers. If the answer is wrong, a teacher who knows the right one says what is wrong
without telling it, and the solver answers again, having read all its answers and all feedback. That
goes on until the answer is right, ten times at most. Feedback has three grades: see `teacher`.

The finding is that solvers stay below what they could reach, however good the feedback is. Three
mitigations help, and do not cure: `warming` raises the temperature with every answer, `listing`
lists the answers that were tried (and the options that were not), and `samples` draws several
answers and picks among those that are new.

A teacher who knows answers is an oracle, and what it is there for is a bound, not a score. Without
one (`golds=None`) the model's own critique takes its place: that can be used, but is not the paper.

Paper: "Feedback Friction: LLMs Struggle to Fully Incorporate External Feedback", arXiv 2506.11930.
In its code the feedback that a model gives itself sees the right answer too, as here. The words are
ours; shuffled options and the sorting of failures by a model are left out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool

from ...agents import Candidate, Critic, Reviser, TeamState
from ...agents.oracle import labelled
from ...episodes.paper import Paper
from ...memory.working import Tried
from ..refine import refine
from ..sample import sample
from ..selectors import plain
from ..team import Team
from .teacher import Feedback, Gold, Teacher

PAPER = Paper(
    title="Feedback Friction: LLMs Struggle to Fully Incorporate External Feedback",
    arxiv="2506.11930",
    kind="graph | finding",
)
ROUNDS = 10
"""Times that feedback is given."""
WARMER, WARMEST = 0.15, 1.5
"""How much the temperature rises with each answer, and up to what."""
SAMPLES = 25
"""Answers drawn to find a new one."""


class Solver(Reviser):
    """Answers, and answers again; see the mitigations above."""

    def __init__(self, model: BaseChatModel, *, warming: bool = False, listing: bool = False):
        super().__init__(model, name="solver")
        self.warming = warming
        self.listing = listing

    async def ask(self, state: TeamState, tools: Sequence[BaseTool] = ()) -> AIMessage:
        if not self.warming:
            return await super().ask(state, tools)
        warm: Any = copy.copy(self)
        warm.model = self.model.bind(temperature=temperature(len(state.get("said", ()))))
        return await super(Solver, warm).ask(state, tools)

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        told = [*super().brief(state)]
        tried = tried_in(state)
        if not self.listing or not tried:
            return told
        listed = [f"These answers were tried and are wrong:\n{tried.told()}"]
        task = state.get("task")
        options = task.data.get("options") if task else None
        if isinstance(options, list) and (left := tried.untried(map(str, options))):
            listed.append(f"These were not tried yet:\n{Tried(left).told()}")
        return [*told, HumanMessage("\n".join([*listed, "Give an answer that is new."]))]


def friction(
    model: BaseChatModel,
    golds: Mapping[str, Gold] | None = None,
    feedback: Feedback = "reflection",
    *,
    teacher: BaseChatModel | None = None,
    rounds: int = ROUNDS,
    warming: bool = False,
    listing: bool = False,
    samples: int = 1,
) -> Team:
    """A team of a solver and a teacher.

    Args:
        golds: what the teacher knows of each task, by the task's id; None for a teacher who knows
            no more than the model does.
        feedback: its grade.
        teacher: the model that words feedback; the solver's by default.
        rounds: times that feedback is given, at most.
        warming: raise the temperature from answer to answer, 0 at first; else it is the model's.
        listing: list what was tried, and which of `task.data["options"]` were not.
        samples: answers drawn each time (the paper's: 25); above 1, one that is new is picked.

    Raises:
        ValueError: the feedback is unknown, or not to be had; `rounds` or `samples` is too small.
    """
    if golds is None and feedback != "reflection":
        raise ValueError(f"feedback={feedback!r} needs golds: a model alone gives reflection")
    if samples < 1:
        raise ValueError(f"samples={samples}: there must be at least 1")
    solver = Solver(model, warming=warming, listing=listing)
    voice = teacher or model
    critic = Critic(voice) if golds is None else Teacher(golds, feedback, voice)
    return refine(
        sample(solver, samples, select=new_one, name="samples") if samples > 1 else solver,
        critic,
        rounds=rounds,
        name=labelled("friction", critic),
    )


async def new_one(state: TeamState) -> dict[str, Any]:
    """One of the candidates, drawn evenly among those that were not tried; among all, when each
    was."""
    held = [each for each in state["candidates"] if each.draft is not None]
    if not held:
        return {}
    said = state.get("said", [])
    seed = f"{state['task'].id if 'task' in state else ''}/{len(said)}"
    drawn = tried_in(state).choose([each.value for each in held], seed)
    return {"draft": next(each.draft for each in held if each.value == drawn)}


def tried_in(state: TeamState) -> Tried:
    """What was answered so far; answers that are the same number or the same words are one."""
    return Tried((each.value for each in state.get("said", ()) if each.draft), same=plain)


def temperature(answers: int) -> float:
    """The temperature after so many answers."""
    return min(WARMER * answers, WARMEST)


def solved_by(said: Sequence[Candidate], right: Callable[[str], bool], answers: int) -> list[bool]:
    """Whether a task was solved by each answer: its share of the paper's curve, the mean of these
    over tasks.

    Args:
        said: the final `state["said"]`.
        answers: how long the curve is; a task that was solved stays so.
    """
    hits = [each.draft is not None and right(each.value) for each in said]
    return [any(hits[: number + 1]) for number in range(answers)]
