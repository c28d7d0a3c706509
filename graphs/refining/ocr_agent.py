"""OCR-Agent: an answer is refined three times, with an eye on what the model can do and has tried.

One model plays four parts. It answers. Then, in each of three rounds, it finds out what is wrong
with the answer and plans what to do about it; what it cannot do itself (other tools, new images,
asking somebody) is struck out of the plan. Next it reads all earlier rounds, with a word on every
step that was planned before, and notes what was tried, what to avoid and where to go instead. Then
it answers again, with the question, the plan and the notes. Nobody decides that an answer is good
enough, and the last one is final: 1 + 3 * 3 calls.

The question may be text, or text and images, as the model takes it. A reply that cannot be read
leaves the answer, the plan or the notes out; the rounds go on.

Paper: "OCR-Agent: Agentic OCR with Capability and Memory Reflection", arXiv 2602.21053. No code or
prompts were published: the words are ours, and so is the list of what a model cannot do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from pydantic import Field

from ...agents import Actor, Agent, Output, TeamContext, TeamState
from ...agents.state import draft_of
from ...episodes.paper import Paper
from ...memory.working import Tried
from ..team import Team

PAPER = Paper(
    title="OCR-Agent: Agentic OCR with Capability and Memory Reflection",
    arxiv="2602.21053",
    kind="graph | memory",
)
ROUNDS = 3
"""As in the paper."""
AGAIN = "Planned before, and it did not settle the matter:"
OUTSIDE = re.compile(
    r"\b(external|tools?|software|apps?|apis?|tesseract|librar(y|ies)|search engine|internet|online"
    r"|web|google|re-?scan|re-?take|photograph|zoom"
    r"|(new|another|other|better|clearer|sharper|higher[- ]\w+) (image|photo|picture|scan)s?"
    r"|(ask|consult|contact|call) (the |an? |some)?(user|human|person|expert|owner|author|one))\b",
    re.IGNORECASE,
)
"""What a model alone does not have."""


class Diagnosis(Output):
    """What is wrong with an answer, and what to do about it."""

    diagnosis: str = Field(min_length=1)
    plan: tuple[str, ...] = ()


class Notes(Output):
    """What the earlier rounds teach."""

    tried: str = ""
    avoid: str = ""
    direction: str = Field(min_length=1)
    """Where to go instead."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of refinement, as memory keeps it."""

    answer: str
    """What was refined."""
    diagnosis: str
    plan: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    """Steps that were struck out of the plan."""

    def __str__(self) -> str:
        steps = "\n".join(f"- {step}" for step in self.plan) or "none"
        return f"Answer: {self.answer}\nDiagnosis: {self.diagnosis}\nPlan:\n{steps}"


class OcrState(TeamState, total=False):
    """The state of an OCR agent."""

    diagnosis: Diagnosis | None
    notes: Notes | None
    rounds: tuple[Round, ...]
    """The rounds that were begun; the last one is under way until the next answer."""


def within_ability(step: str) -> bool:
    """Whether a model can do a step alone, with what it was given, by the words of the step."""
    return OUTSIDE.search(step) is None


def ocr_agent(
    model: BaseChatModel,
    *,
    rounds: int = ROUNDS,
    able: Callable[[str], bool] = within_ability,
    name: str = "ocr_agent",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team of one model that answers, and refines its answer.

    Args:
        rounds: refinements: `1 + 3 * rounds` calls in all.
        able: whether the model can do a step that it planned; others are struck out.

    Raises:
        ValueError: `rounds` is negative.
    """
    if rounds < 0:
        raise ValueError(f"rounds={rounds}: a team cannot refine a negative number of times")
    answerer, refiner = Actor(model, name="answerer"), Refiner(model)
    diagnoser, reflector = Diagnoser(model), Reflector(model)

    async def begin(state: OcrState) -> OcrState:
        return {"draft": None, "rounds": (), "diagnosis": None, "notes": None, "stop": ""}

    async def answer(state: OcrState) -> dict[str, Any]:
        return await answerer(state)

    async def diagnose(state: OcrState) -> dict[str, Any]:
        update = await diagnoser(state)
        found = update["diagnosis"]
        plan = found.plan if found else ()
        current = Round(
            answer=_said(state),
            diagnosis=found.diagnosis if found else "",
            plan=tuple(filter(able, plan)),
            dropped=tuple(step for step in plan if not able(step)),
        )
        return {**update, "rounds": (*state["rounds"], current)}

    async def refine(state: OcrState) -> dict[str, Any]:
        update = await refiner(state)
        return {**update, "draft": update["draft"] or state["draft"]}

    async def settle(state: OcrState) -> dict[str, Any]:
        return {"answer": _said(state)}

    async def go_on(state: OcrState) -> str:
        return "settle" if state["stop"] or len(state["rounds"]) >= rounds else "diagnose"

    graph = StateGraph(OcrState, context_schema=TeamContext)
    for node in (begin, answer, diagnose, refine, settle):
        graph.add_node(node.__name__, node)
    graph.add_node("reflect", reflector, input_schema=OcrState)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "answer")
    graph.add_conditional_edges("answer", go_on, ["diagnose", "settle"])
    graph.add_edge("diagnose", "reflect")
    graph.add_edge("reflect", "refine")
    graph.add_conditional_edges("refine", go_on, ["diagnose", "settle"])
    graph.add_edge("settle", END)
    return cast(Team, graph.compile(name=name, checkpointer=checkpointer))


class Diagnoser(Agent):
    """Finds out what is wrong with the draft, and plans what the model itself can do about it."""

    role = "diagnoser"
    prompt = (
        "Find out what is wrong with the proposed reply, or where it is not sure. Then plan how to "
        "answer better. Plan only what you can do yourself with what you were given: no other "
        "tools, no new images, nobody to ask."
    )
    output = Diagnosis
    writes = "diagnosis"

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        draft = state.get("draft")
        shown = self.format.render(draft) if draft else "none that could be read"
        return (HumanMessage(f"Proposed reply:\n{shown}"),)


class Reflector(Agent):
    """Reads all rounds, and notes what they teach."""

    role = "reflector"
    prompt = (
        "You keep the memory of an attempt to answer a question. Read its rounds: note what was "
        "tried, what to avoid, and in which new direction to go."
    )
    output = Notes
    writes = "notes"

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        return (HumanMessage(_history(cast(OcrState, state))),)


class Refiner(Actor):
    """Answers again, with the plan and the notes."""

    role = "refiner"

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        known = cast(OcrState, state)
        parts = [_history(known)]
        if (notes := known.get("notes")) is not None:
            parts.append(f"Notes on these rounds:\n{self.format.render(notes)}")
        parts.append("Carry out the plan of the latest round, and reply again.")
        draft = state.get("draft")
        said = (AIMessage(self.format.render(draft)),) if draft else ()
        return (*said, HumanMessage("\n\n".join(parts)))


def _history(state: OcrState) -> str:
    """All rounds in words, with a word on steps that were planned before the latest."""
    *before, latest = state["rounds"]
    rounds = [f"Round {n}\n{each}" for n, each in enumerate(state["rounds"], 1)]
    tried = Tried(step for each in before for step in each.plan)
    again = [step for step in latest.plan if step in tried]
    if again:
        rounds.append("\n".join((AGAIN, *(f"- {step}" for step in again))))
    return "\n\n".join(rounds)


def _said(state: OcrState) -> str:
    return draft_of(state).value if state.get("draft") else ""
