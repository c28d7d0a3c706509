"""Self-refine with one open model and no particular criteria.

One model plays every part. It answers; then, in a fresh context where it meets the answer as
somebody's text and not as its own chat, it is asked what is wrong with it, in words that fit any
task; then it answers again from the request, its answer and the critique. This repeats a fixed
number of times: nobody decides that an answer is good enough, and the last one is final.

The other half of the paper, the ranking of models by what refinement brings and costs, is
`benchmarks/perfics.py`.

Paper: "Democratizing LLMs: An Exploration of Cost-Performance Trade-offs in Self-Refined
Open-Source Models", arXiv 2310.07611. Its prompts and its number of rounds were not recoverable:
the words are ours, and one round is an assumption.
"""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Critic
from ...episodes.paper import Paper
from ..refine import refine
from ..team import Team

PAPER = Paper(
    title=(
        "Democratizing LLMs: An Exploration of Cost-Performance Trade-offs in Self-Refined "
        "Open-Source Models"
    ),
    arxiv="2310.07611",
    kind="graph",
)
ANSWER = "Reply to the request as well as you can."
CRITIQUE = (
    "Read the request and the proposed reply to it. Name every defect of the reply, whatever its "
    "kind, and say how to make the reply better."
)


def self_refine(model: BaseChatModel, rounds: int = 1) -> Team:
    """A team of one model that answers, criticises and refines.

    Args:
        rounds: critiques, each followed by a new answer: `1 + 2 * rounds` calls in all.

    Raises:
        ValueError: `rounds` is negative.
    """
    return refine(
        Actor(model, instructions=ANSWER),
        Critic(model, instructions=CRITIQUE),
        rounds=rounds,
        stop=lambda state: False,
        name="self_refine",
    )
