"""HEART: a solver is told again and again that it is wrong, each time in another mood.

A solver answers. Then it is told that its answer was wrong, with a short cue that carries one of
six emotions, and answers again from its last answer and the cue; the emotion changes every time.
Where somebody can tell a right answer (the paper's S1), that ends when the answer is right, after
one cue of each emotion at most. Where nobody can (S2), all cues are given, and then the model is
shown every answer that came up and writes the final one.

Whoever can tell is an oracle: S1 gives a bound, not a score. Without it gains are not steady, for
the hard part is to choose. `NEUTRAL` in the place of the cues shows what the emotions do, at the
same number of calls.

Paper: "HEART: Emotionally-driven test-time scaling of Language Models", arXiv 2509.22876. There was
no code to read: the cues, their order and one for each emotion are ours; one answer is written for
each cue, where the paper may draw several.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.graph import END, START, StateGraph

from ...agents import Actor, Critique, TeamContext, TeamState
from ...agents.oracle import Oracle, Right, labelled
from ...episodes.paper import Paper
from ..quoting import quoted
from ..refine import refine
from ..team import Settled, Team, settled, stopped

PAPER = Paper(
    title="HEART: Emotionally-driven test-time scaling of Language Models",
    arxiv="2509.22876",
    kind="graph | agent",
)
CUES = {
    "joy": "You are so close, and it will be a delight to see you get there!",
    "sadness": "It saddens me to see you stop here, when I had hoped for so much more.",
    "anger": "I am angry: this is careless. Do it properly!",
    "fear": "I am afraid of what happens if this goes out wrong. Check every step.",
    "disgust": "That reasoning is a mess. Throw it away and do clean work.",
    "surprise": "I never expected this of you! Look again: something is not what it seems.",
}
"""What is said in each of the emotions, which take turns."""
NEUTRAL = {"neutral": "Please answer again."}
WRONG = "Your previous answer was wrong."
SYNTHESISE = "Read the question and the answers that were given to it, and write the final answer."


class Mood(Oracle):
    """Tells a wrong answer from a right one, and says so with feeling."""

    def __init__(self, right: Right, cues: Sequence[str]) -> None:
        super().__init__(right, "mood")
        self.cues = cues

    async def __call__(self, state: TeamState) -> dict[str, Any]:
        if self.approves(state):
            return {"critique": Critique(verdict="correct")}
        return {"critique": cue(state, self.cues)}


class Synthesiser(Actor):
    """Writes the final answer, having read all that were given (`state["said"]`)."""

    role = "synthesiser"
    prompt = SYNTHESISE

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        given = [each for each in state.get("said", ()) if each.draft is not None]
        shown = [
            quoted(f"Answer {number}", self.format.render(each.draft))
            for number, each in enumerate(given, 1)
            if each.draft is not None
        ]
        return (HumanMessage("\n\n".join(shown)),)


def heart(
    model: BaseChatModel,
    right: Right | None = None,
    *,
    rounds: int = len(CUES),
    cues: Mapping[str, str] = CUES,
) -> Team:
    """A team of one model: `rounds + 2` calls, or with an oracle `rounds + 1` at most.

    Args:
        right: knows right answers, for experiments only.
        rounds: cues that are given, at most.
        cues: what is said in each emotion, in turn.

    Raises:
        ValueError: there is no cue, or `rounds` is negative.
    """
    if not cues:
        raise ValueError("cues is empty: give one at least, such as NEUTRAL")
    texts = list(cues.values())
    solver = Actor(model, name="solver")
    if right is not None:
        mood = Mood(right, texts)
        return refine(solver, mood, rounds=rounds, name=labelled("heart", mood))

    async def feeling(state: TeamState) -> dict[str, Any]:
        return {"critique": cue(state, texts)}

    synthesiser = Synthesiser(model)

    async def synthesise(state: TeamState) -> dict[str, Any]:
        if state["stop"]:
            return {}
        update = await synthesiser(state)
        return settled(update["draft"] or state["draft"], **stopped(update))

    explore = refine(solver, feeling, rounds=rounds, stop=lambda state: False, name="explore")
    graph = StateGraph(TeamState, context_schema=TeamContext, output_schema=Settled)
    graph.add_node("explore", explore)
    graph.add_node("synthesise", synthesise)
    graph.add_edge(START, "explore")
    graph.add_edge("explore", "synthesise")
    graph.add_edge("synthesise", END)
    return graph.compile(name="heart")


def cue(state: TeamState, cues: Sequence[str]) -> Critique:
    """What is said of the draft of this round."""
    text = cues[(state["round"] - 1) % len(cues)]
    return Critique(reasoning=f"{WRONG} {text}", verdict="incorrect")
