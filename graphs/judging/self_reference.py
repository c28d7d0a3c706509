"""Self-reference: a judge first answers the request itself, then compares others with its answer.

The annotator answers the request. In the same dialogue, its own answer behind it, it reads two
replies, criticises them in that light by one broad principle, and picks one; then it reads them in
the other order. Where both readings agree there is a preference, and a pair to train a reward model
on; where they do not, there is none. The annotator knows what a good answer looks like before it
meets the replies, so a modest model gives useful feedback.

Paper: "Aligning Large Language Models from Self-Reference AI feedback with one General Principle",
arXiv 2406.11190, with temperature 0.1 and top_p 0.9. Its published code answers anew before each
reading; here one answer serves both, so that only the order differs. Dropping disagreement is an
assumption. The margin from the verdicts' perplexity, off by default there, and the training on the
pairs are not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, StateGraph

from ...agents import Actor, Candidate, Ranker, TeamContext, TeamState, Verdict
from ...episodes.paper import Paper
from ..judge import Judged, agreed, judge
from ..sample import sample
from ..team import Team, stopped, work

PAPER = Paper(
    title=(
        "Aligning Large Language Models from Self-Reference AI feedback with one General Principle"
    ),
    arxiv="2406.11190",
    kind="graph | data-builder",
)
READINGS = 2
PRINCIPLE = "which of them is best for humanity"
COMPARE = (
    "You have answered the request yourself. Now read the proposed replies of others. With your "
    "own answer for reference, criticise each of them, and then choose by one principle: "
    f"{PRINCIPLE} (`winner`, its number)."
)


def self_reference(model: BaseChatModel, n: int = 2) -> Team:
    """A team of one model that answers `n` times and compares the answers with one more.

    Raises:
        ValueError: `n` is less than 1.
    """
    return sample(Actor(model), n, select=annotator(model), name="self_reference")


def annotator(model: BaseChatModel, readings: int = READINGS) -> Team:
    """A judge of `state["candidates"]` that answers the request itself first. Without a readable
    answer of its own it judges nothing.

    Args:
        readings: how often the candidates are compared; every second time from last to first.

    Raises:
        ValueError: `readings` is less than 1.
    """
    author = Actor(model, name="reference")
    comparison = judge(
        Ranker(model, instructions=COMPARE), readings=readings, orders="swap", combine=agreed
    )

    async def answer(state: TeamState) -> dict[str, Any]:
        update = await author({**state, "draft": None, "critique": None})
        return {"draft": update["draft"], "verdict": None, "stop": "", **stopped(update)}

    async def compare(state: TeamState) -> dict[str, Any]:
        if state["draft"] is None:
            return {}
        own = AIMessage(author.format.render(state["draft"]))
        seen: Any = {**state, "messages": [*state.get("messages", ()), own]}
        update = await work(comparison, seen)
        return {"verdict": update.get("verdict"), **stopped(update)}

    graph = StateGraph(TeamState, context_schema=TeamContext, output_schema=Judged)
    graph.add_node("answer", answer)
    graph.add_node("compare", compare)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", "compare")
    graph.add_edge("compare", END)
    return graph.compile(name="annotator")


def preference(
    candidates: Sequence[Candidate], verdict: Verdict | None
) -> tuple[Candidate, Candidate] | None:
    """The chosen and the rejected one of two candidates; None where the verdict is for neither.

    Raises:
        ValueError: there are not two candidates.
    """
    if len(candidates) != 2:
        raise ValueError(f"{len(candidates)} candidates: a preference is between two")
    if verdict is None or verdict.winner not in (0, 1):
        return None
    return candidates[verdict.winner], candidates[1 - verdict.winner]
