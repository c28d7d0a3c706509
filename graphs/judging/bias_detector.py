"""A bias detector reads what a judge decided and, where bias shows, has it think again.

A judge compares the replies. A second model reads the request, the replies and the judge's choice,
reasons about one kind of bias, and says whether the choice shows it. If not, the choice stands,
untouched. If so, the judge compares the same replies again, with its earlier choice and the
detector's analysis before it, for reference only: it may well keep its choice. With more rounds the
new choice is examined again. The judge's weights are never touched. A reply of the detector that
cannot be read accuses nobody; a second choice that cannot be read leaves the first.

Paper: "Any Large Language Model Can Be a Reliable Judge: Debiasing with a Reasoning-based Bias
Detector" (RBD), arXiv 2505.17100, with a detector fine-tuned for it, and its published code. The
words of the prompts are ours; any model may be the detector. Of its four biases position is left
out: there both orders are judged again in one reply. `order_swap` is the guard against that one.
How its figures are taken is `benchmarks/judge_bias.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.graph import END, START, StateGraph

from ...agents import Actor, Critique, Output, Ranker, TeamContext, TeamState, Verdict
from ...episodes.paper import Paper
from ..judge import Judged, vote_of
from ..quoting import quoted
from ..sample import sample
from ..team import Member, Team, stopped, work

PAPER = Paper(
    title=(
        "Any Large Language Model Can Be a Reliable Judge: Debiasing with a Reasoning-based Bias "
        "Detector"
    ),
    arxiv="2505.17100",
    kind="graph",
)
BIASES = {
    "verbosity": "prefers a reply because it is longer, although it is not better",
    "bandwagon": "follows what a majority is said to believe, instead of the replies themselves",
    "sentiment": "is swayed by the tone of a reply, cheerful or angry, instead of its content",
}
AGAIN = (
    "You compared the replies below before, and {choice}. Somebody examined that choice for bias. "
    "What they say is for reference only:\n\n{analysis}\n\nCompare the replies again, from "
    "scratch and by their content; keep your choice or change it."
)


class BiasReport(Output):
    """What a detector found."""

    analysis: str = ""
    biased: Literal["yes", "no"]


class BiasDetector(Ranker):
    """Says whether the verdict on the candidates shows a bias; writes it as a critique of it.

    Args:
        bias: a name in `BIASES`, or a description: "prefers whatever is written in verse".

    Raises:
        ValueError: the bias is one word that is no such name.
    """

    role = "bias detector"
    output = BiasReport
    writes = "critique"

    def __init__(self, model: BaseChatModel, bias: str = "verbosity", **options: Any) -> None:
        if bias not in BIASES and " " not in bias.strip():
            raise ValueError(
                f"bias={bias!r}: choose one of {', '.join(BIASES)}, or describe another in words "
                "that go on from `a judge that`"
            )
        words = (
            "You examine judges for bias. Read the request, the proposed replies and which of them "
            f"a judge chose. One bias matters here: a judge that {BIASES.get(bias, bias)}. Analyse "
            "the choice, then say whether it shows this bias (`biased`)."
        )
        super().__init__(model, **{"instructions": words, **options})

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        return (*super().brief(state), HumanMessage(f"The judge {choice(state)}."))

    def read(self, message: AIMessage) -> Critique | None:
        report = super().read(message)
        if not isinstance(report, BiasReport):
            return None
        verdict: Literal["correct", "incorrect"] = (
            "incorrect" if report.biased == "yes" else "correct"
        )
        return Critique(reasoning=report.analysis, verdict=verdict)


class Watched(TeamState, total=False):
    """The state of a judge under watch."""

    judgements: int
    """Times that the judge has judged."""


def bias_detector(
    model: BaseChatModel,
    n: int = 2,
    bias: str = "verbosity",
    rounds: int = 1,
    *,
    detector: BaseChatModel | None = None,
) -> Team:
    """A team that answers `n` times and chooses by a judge under watch.

    Args:
        bias: what to look for; a name in `BIASES`, or a description.
        rounds: reconsiderations at most.
        detector: looks for the bias; by default `model`.

    Raises:
        ValueError: `n` is less than 1, `rounds` is negative, or the bias is unknown.
    """
    judge = watched(Ranker(model), BiasDetector(detector or model, bias), rounds)
    return sample(Actor(model), n, select=judge, name="bias_detector")


def watched(judge: Member, detector: Member, rounds: int = 1) -> Team:
    """A judge of `state["candidates"]` who thinks again where the detector finds bias.

    Args:
        judge: writes a verdict on the candidates.
        detector: writes a critique of the verdict; `incorrect` where it shows bias.
        rounds: reconsiderations at most.

    Raises:
        ValueError: `rounds` is negative.
    """
    if rounds < 0:
        raise ValueError(f"rounds={rounds}: a judge cannot reconsider a negative number of times")

    async def begin(state: Watched) -> dict[str, Any]:
        return {"verdict": None, "critique": None, "judgements": 0, "stop": ""}

    async def decide(state: Watched) -> dict[str, Any]:
        messages = [*state.get("messages", ()), *reminder(state)]
        seen: Any = {**state, "messages": messages, "verdict": None, "critique": None}
        update = await work(judge, seen)
        verdict = update.get("verdict") or state["verdict"]
        return {"verdict": verdict, "judgements": state["judgements"] + 1, **stopped(update)}

    async def detect(state: Watched) -> dict[str, Any]:
        update = await work(detector, state)
        return {"critique": update.get("critique"), **stopped(update)}

    async def decided(state: Watched) -> str:
        done = state["stop"] or state["verdict"] is None or state["judgements"] > rounds
        return END if done else "detect"

    async def detected(state: Watched) -> str:
        critique = state["critique"]
        biased = critique is not None and critique.verdict == "incorrect"
        return "judge" if biased and not state["stop"] else END

    graph: StateGraph[Any, TeamContext, Any, Any] = StateGraph(
        Watched, context_schema=TeamContext, input_schema=TeamState, output_schema=Judged
    )
    graph.add_node("begin", begin)
    graph.add_node("judge", decide)
    graph.add_node("detect", detect)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "judge")
    graph.add_conditional_edges("judge", decided, ["detect", END])
    graph.add_conditional_edges("detect", detected, ["judge", END])
    return graph.compile(name="watched")


def reminder(state: TeamState) -> list[BaseMessage]:
    """What a judge reads of its earlier choice and of the analysis, if it is to think again."""
    critique = state.get("critique")
    if critique is None:
        return []
    analysis = quoted("Analysis", critique.reasoning)
    return [HumanMessage(AGAIN.format(choice=choice(state), analysis=analysis))]


def choice(state: TeamState) -> str:
    """The judge's choice, in words."""
    verdict = state.get("verdict")
    place = vote_of(verdict) if isinstance(verdict, Verdict) else None
    return "chose none of the replies" if place is None else f"chose proposed reply {place}"
